# One image for every process: the worker by default; bridge, starter and development server by command.
FROM python:3.13-slim AS build
RUN python -m venv /venv
COPY requirements.lock /
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r /requirements.lock

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home concept && install -d -o concept /data
COPY --from=build /venv /venv
WORKDIR /app
COPY settings.py worker.py starter.py bridge.py codec_server.py ./
COPY activities activities
COPY color color
COPY commands commands
COPY contracts contracts
COPY gallery gallery
COPY messages messages
COPY providers providers
COPY runtime runtime
COPY stores stores
COPY workflows workflows
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 CONCEPT_DATA_DIR=/data
USER concept
VOLUME /data
CMD ["python", "worker.py"]
