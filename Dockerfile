# syntax=docker/dockerfile:1
# Three images of one installation: `docker build --target api|steward|node .` (docs/deploy.md).
#
# The tag names a version, and a tag may move: the workflow that builds for production (.github/workflows/main.yml)
# resolves it to a digest, passes that as PYTHON_IMAGE, and writes it into the label of the base image.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1
WORKDIR /build
COPY requirements-build.lock requirements-runtime.lock ./
# What runs is installed without pip, so that the images hold none.
RUN python -m venv /build/tools \
    && /build/tools/bin/pip install --require-hashes --no-deps --only-binary :all: -r requirements-build.lock \
    && python -m venv --without-pip /opt/crawlery \
    && /build/tools/bin/pip --python /opt/crawlery/bin/python install \
        --require-hashes --no-deps --only-binary :all: -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY crawler ./crawler
COPY control_api ./control_api
RUN /build/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /build/wheels . \
    && /build/tools/bin/pip --python /opt/crawlery/bin/python install --no-deps --no-index /build/wheels/*.whl

FROM ${PYTHON_IMAGE} AS runtime
# An init is process 1: it passes SIGTERM on from the first moment, and reaps workers whose fork server has died.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends "tini=0.19.*" \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 crawlery \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/crawlery --shell /usr/sbin/nologin crawlery \
    && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/crawlery \
    && install --directory /etc/crawlery/recipes
COPY --from=build /opt/crawlery /opt/crawlery
COPY recipes /usr/share/crawlery/recipes
COPY deploy/probe.py /usr/share/crawlery/
# Only /var/lib/crawlery and /tmp are written to: the rest may be read-only.
ENV PATH=/opt/crawlery/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/crawlery \
    TMPDIR=/tmp \
    CRAWLERY_DATA_DIR=/var/lib/crawlery \
    CRAWLERY_LOG_JSON=true \
    RECIPES_PATH=/etc/crawlery/recipes:/usr/share/crawlery/recipes
WORKDIR /var/lib/crawlery
VOLUME ["/var/lib/crawlery"]
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "crawlery"]
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=unknown
ARG PYTHON_IMAGE
LABEL org.opencontainers.image.title="Crawlery" \
      org.opencontainers.image.description="Self-hosted crawling platform: YAML recipes run as Scrapy spiders, rows arrive as files" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"

FROM runtime AS api
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "/usr/share/crawlery/probe.py", "ready", "http://127.0.0.1:8080/health"]
CMD ["api", "--host", "0.0.0.0", "--port", "8080"]

FROM runtime AS steward
# It serves nothing; a file that it touches every five seconds says that it is at work.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "/usr/share/crawlery/probe.py", "fresh", "/tmp/steward-alive", "30"]
CMD ["steward", "--folder", "/var/lib/crawlery/files", "--alive", "/tmp/steward-alive"]

FROM runtime AS node
EXPOSE 6800
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "/usr/share/crawlery/probe.py", "ready", "http://127.0.0.1:6800/ready"]
CMD ["node", "--bind", "0.0.0.0", "--port", "6800", "--slots", "2"]
