# One image for the API, the worker and the operators' commands. Tags are pinned to a minor
# version; pin digests in your own registry.

FROM python:3.11-slim-bookworm AS installed
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/venv
COPY requirements.lock ./
RUN /opt/venv/bin/pip install --require-hashes -r requirements.lock

FROM installed AS models
COPY imaging ./imaging
RUN /opt/venv/bin/python -m imaging.models fetch --directory /models

FROM installed AS pruned
COPY pyproject.toml deploy/runtime_packages.py ./
RUN /opt/venv/bin/python runtime_packages.py > others.txt \
    && /opt/venv/bin/pip uninstall --quiet --yes --requirement others.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin kundan \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=pruned /opt/venv /opt/venv
COPY --from=models /models /app/.models
WORKDIR /app
COPY . ./
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data \
    OPENCV_IO_MAX_IMAGE_PIXELS=41943040 \
    OPENCV_OPENCL_RUNTIME=disabled
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
CMD ["uvicorn", "main:app", "--host", "0.0.0.0", "--port", "8000", "--no-server-header", "--no-access-log", \
     "--timeout-graceful-shutdown", "20"]
