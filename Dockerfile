# Both services: MICROSTORE_SERVICE and the command make a container what it is.
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS requirements
RUN python -m venv --without-pip /opt/venv
COPY requirements.txt requirements-otel.txt constraints.txt ./
# Any value adds the exporter of spans, which OTEL_EXPORTER_OTLP_ENDPOINT needs.
ARG WITH_OTEL=
# A package without a wheel is an error here, not a compiler in the image.
RUN pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check --only-binary :all: \
    -r requirements.txt ${WITH_OTEL:+-r requirements-otel.txt} -c constraints.txt

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="MicroStore" \
    org.opencontainers.image.description="The listings service or the transactions service of MicroStore" \
    org.opencontainers.image.version="1.0.0" \
    org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 GRANIAN_LOG_CONFIG=microstore/telemetry/granian.json
# What installs packages has nothing to do where nothing may be written.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin microstore && \
    pip uninstall --yes --quiet --root-user-action ignore setuptools wheel pip
WORKDIR /app
COPY --from=requirements /opt/venv /opt/venv
# What .dockerignore lets through: manage.py and the packages of both services.
COPY . .
# The image is read-only when it runs. No collectstatic: WhiteNoise finds static files in their packages.
RUN rm requirements*.txt constraints.txt && mkdir -p .run/static .run/media .run/payouts && chown 10001 .run/media .run/payouts && python -m compileall -q .
USER 10001
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--http", "1", "--no-ws", "--respawn-failed-workers", "microstore.wsgi:application"]
