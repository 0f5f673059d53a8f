# syntax=docker/dockerfile:1
# The base images are named by tag: no registry can be asked where this is written. Pin them by digest where one can.
FROM node:22-bookworm-slim AS web
WORKDIR /src/web
# The packages in a layer of their own: a change of the sources installs nothing anew.
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web .
RUN npm run build

FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src
COPY . .
COPY --from=web /src/web/dist web/dist
# The caches outlive the layer: a change of one file compiles one crate. The binary has to leave the cached
# folder in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin wardline && cp target/release/wardline /usr/local/bin/wardline

FROM debian:bookworm-slim
# Certificates for what leaves the house over TLS: MongoDB, webhooks, mail.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --home-dir /var/lib/wardline --shell /usr/sbin/nologin wardline \
    && install --directory --owner wardline --group wardline --mode 0700 /var/lib/wardline
COPY --from=build /usr/local/bin/wardline /usr/local/bin/wardline

# There is no mongod in the image: MONGODB_URI has to name a replica set.
ENV HOST=0.0.0.0 \
    PORT=3000 \
    DATA_DIR=/var/lib/wardline \
    WARDLINE_ENV=production \
    LOG_FORMAT=json
USER 10001:10001
VOLUME /var/lib/wardline
EXPOSE 3000
# The service handles it as process 1, without an init: it drains its connections and ends.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["wardline", "health"]
ENTRYPOINT ["wardline"]
CMD ["serve"]
