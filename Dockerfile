# syntax=docker/dockerfile:1
# One image for every role: `api`, `worker`, `serve`, `migrate`. Linux on x86-64, as the pinned ONNX Runtime is.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# Registry and compiled dependencies stay in the builder's cache. Our own code is always compiled: by their times, files of one
# checkout can look older than what the cache has of another, and the image would hold the other's code.
RUN --mount=type=cache,id=quittance-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=quittance-target,target=/src/target,sharing=locked \
    find . -path ./target -prune -o -type f -exec touch {} + \
    && cargo build --locked --release -p quittance --bin quittance \
    && install -D target/release/quittance /out/quittance \
    && strip /out/quittance

# Each file is checked by size and SHA-256 against the list in the script.
FROM python:3.11-slim-bookworm AS models
COPY scripts/fetch-models /fetch-models
RUN python3 /fetch-models /models && chmod -R a+rX /models

FROM debian:bookworm-slim
# libheif-examples: photos as iPhones take them (HEIC).
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libheif-examples \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 quittance \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin quittance \
    && install -d -o 10001 -g 10001 -m 0750 /data /originals
COPY --from=models /models /models
# For `quittance seed /samples`.
COPY samples /samples
COPY --from=build /out/quittance /usr/local/bin/quittance
ENV QUITTANCE_DATA_DIR=/data \
    QUITTANCE_STORAGE_PATH=/originals \
    QUITTANCE_PROCESSING_MODELS_DIR=/models \
    QUITTANCE_LOG_FORMAT=json \
    QUITTANCE_SERVER_HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME ["/data", "/originals"]
EXPOSE 8080 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["quittance", "health"]
ENTRYPOINT ["quittance"]
CMD ["serve"]
