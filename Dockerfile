# The bot in a container: built in one stage, run in another, never as root.
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/onecloak
COPY requirements/run.txt requirements/run.txt
RUN /opt/onecloak/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md ./
COPY storage storage
COPY locales locales
COPY handlers handlers
COPY bot bot
RUN /opt/onecloak/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim-bookworm
RUN useradd --create-home --uid 10001 onecloak \
    && mkdir -p /home/onecloak/data \
    && chown onecloak:onecloak /home/onecloak/data
COPY --from=build /opt/onecloak /opt/onecloak
USER 10001:10001
WORKDIR /home/onecloak
ENV PATH=/opt/onecloak/bin:$PATH PYTHONUNBUFFERED=1
# The database, the master key that was made beside it, and the sign of life.
VOLUME ["/home/onecloak/data"]
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["onecloak", "health"]
ENTRYPOINT ["onecloak"]
CMD ["run"]
