# One image for API and workers: what runs is named by the command.
FROM python:3.13-slim-bookworm AS build
WORKDIR /app
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --no-compile --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
COPY deploy/image /image
# From here on, python may not write bytecode of its own accord: /image/compile.py decides what is compiled.
RUN PYTHONDONTWRITEBYTECODE=1 /venv/bin/python /image/slim.py /venv && rm requirements.lock
COPY alembic.ini pyproject.toml ./
COPY models models
COPY engine engine
COPY activities activities
COPY workflows workflows
COPY api api
COPY migrations migrations
COPY inkloom inkloom
COPY examples examples
# Compiled once: the sandbox imports a workflow's file anew for every run of it. Importing shows, too, that nothing lacks
# what was removed.
RUN /venv/bin/python -m compileall -q . && PYTHONPATH=/app /venv/bin/python /image/compile.py

FROM python:3.13-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 INKLOOM_DATA=/data
# Pillow loads FriBiDi from the system: without it no text runs right to left, and pages break their lines elsewhere.
# Its version is that of the base image's distribution.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends libfribidi0 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 1000 --create-home inkloom && install -d -o inkloom -g inkloom -m 700 /data /backups
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER 1000:1000
VOLUME /data
ENTRYPOINT ["python", "-m", "inkloom"]
CMD ["--help"]
