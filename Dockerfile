# Hindsight in a container: headless, not root, everything that lasts in /data.
#
#   docker build -t hindsight .
#   docker run -p 8080:8080 -v hindsight:/data hindsight
#
# Plain instructions only, so that the classic builder, BuildKit, podman and kaniko all take it.
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}

# All dependencies come as wheels, so there is nothing to compile and no Debian package to add.
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /opt/hindsight

# The dependencies change far less often than the code: their layer is built from their list alone.
# `postgres` is in the image because a container cannot grow an extra later.
COPY setup.cfg pyproject.toml README.md LICENSE ./
RUN mkdir backend recorder \
    && touch backend/__init__.py recorder/__init__.py \
    && pip install --no-compile --editable '.[postgres]'

COPY recorder ./recorder
COPY backend ./backend
COPY web ./web
COPY test_video_playback.html ./
COPY config.yaml /etc/hindsight/
RUN pip install --no-deps --no-compile --editable . \
    && python -m compileall -q backend recorder \
    && groupadd --gid 1000 hindsight \
    && useradd --uid 1000 --gid hindsight --groups video --no-create-home --home-dir /data hindsight \
    && install -d -o hindsight -g hindsight -m 0750 /data

USER hindsight
VOLUME /data
EXPOSE 8080
ENV HINDSIGHT_DATA_DIR=/data

# Every command finds ./config.yaml here; mount your own over it.
WORKDIR /etc/hindsight

# Asks the daemon itself, over loopback; a camera that is away is no reason to restart the container.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["hindsight", "status"]

# The daemon finishes what it holds on SIGTERM; `docker stop` gives it 10 s, deploy/compose.yaml more.
STOPSIGNAL SIGTERM
ENTRYPOINT ["hindsight"]
CMD ["run"]
