# One image for API and workers: what runs is named by the command.
FROM python:3.13-slim-bookworm AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock

FROM python:3.13-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 INKLOOM_DATA=/data
# Pillow loads FriBiDi from the system: without it no text runs right to left, and pages break their lines elsewhere.
RUN apt-get update && apt-get install -y --no-install-recommends libfribidi0 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 1000 --create-home inkloom && install -d -o inkloom /data
COPY --from=build /venv /venv
WORKDIR /app
COPY alembic.ini pyproject.toml ./
COPY models models
COPY engine engine
COPY activities activities
COPY workflows workflows
COPY api api
COPY migrations migrations
COPY inkloom inkloom
COPY examples examples
# Compiled once: the sandbox imports a workflow's file anew for every run of it.
RUN python -m compileall -q .
USER inkloom
VOLUME /data
ENTRYPOINT ["python", "-m", "inkloom"]
CMD ["--help"]
