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

# The dependencies change far less often than the code: their layer is built from their list alone, which holds exact
# versions and their hashes (`./hindsight lock`). `postgres` is in the image because a container cannot grow an extra later.
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY requirements ./requirements
# Everything is compiled here, also Python's own library, which its images bring uncompiled: nobody can write the result
# down later, and every start, worker and health check would compile all it loads anew (2.4 s of processor time for
# `hindsight status`, instead of 0.8 s). What a package has for other versions of Python may not compile.
RUN mkdir backend recorder \
    && touch backend/__init__.py recorder/__init__.py \
    && pip install --no-compile --require-hashes --requirement requirements/postgres.txt \
    && pip install --no-compile --no-deps --no-build-isolation --editable . \
    && { python -m compileall -qq -x '/tests?/' "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" || true; }

COPY recorder ./recorder
COPY backend ./backend
COPY web ./web
COPY test_video_playback.html ./
COPY config.yaml /etc/hindsight/
# The installation above leads to these folders: new code needs neither pip nor a network.
RUN python -m compileall -q backend recorder \
    && groupadd --gid 1000 hindsight \
    && useradd --uid 1000 --gid hindsight --groups video --no-create-home --home-dir /data hindsight \
    && install -d -o hindsight -g hindsight -m 0710 /data

USER hindsight
VOLUME /data
EXPOSE 8080
ENV HINDSIGHT_DATA_DIR=/data

# Every command finds ./config.yaml here; mount your own over it.
WORKDIR /etc/hindsight

# Asks the daemon itself, over loopback; a camera that is away is no reason to restart the container.
# The time is for a small box that is busy: there it takes seconds to load what asks.
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s CMD ["hindsight", "status"]

# The daemon finishes what it holds on SIGTERM; `docker stop` gives it 10 s, deploy/compose.yaml more.
STOPSIGNAL SIGTERM
ENTRYPOINT ["hindsight"]
CMD ["run"]
