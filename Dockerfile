# One image for both services and the relay: `user-service serve`, `user-service relay`, `notifier-service run`, and the
# two `migrate`. It runs as nobody in particular, writes nothing, and has no shell.
#
#   docker build -t inf-user .

# Debian 12, as in docs/SUPPORTED.md: the programs use the C library of the release that they were built on.
ARG RUST_VERSION=1.95.0
ARG DEBIAN_CODENAME=bookworm
ARG DEBIAN_RELEASE=12

FROM rust:${RUST_VERSION}-${DEBIAN_CODENAME} AS chef
ARG CARGO_CHEF_VERSION=0.1.78
RUN cargo install cargo-chef --locked --version "${CARGO_CHEF_VERSION}"
WORKDIR /src
# OpenSSL, which librdkafka takes for TLS, becomes part of the programs: the last image has none to load.
# (Found by pkg-config in /usr, it would be loaded all the same.)
RUN mkdir /openssl && ln -s /usr/include /openssl/include && ln -s "/usr/lib/$(uname -m)-linux-gnu" /openssl/lib
ENV OPENSSL_DIR=/openssl
ENV OPENSSL_STATIC=1

# What the dependencies are: changes with a manifest or the lock file alone.
FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path /recipe.json

FROM chef AS build
COPY --from=plan /recipe.json /recipe.json
# The layer that is kept while only our own code changes.
RUN cargo chef cook --release --locked --recipe-path /recipe.json -p user-service -p notifier-service \
      --features user-service/kafka-tls,notifier-service/kafka-tls
COPY . .
RUN cargo build --release --locked -p user-service -p notifier-service \
      --features user-service/kafka-tls,notifier-service/kafka-tls

# The C library and libgcc, which are all that the programs load; certificates of authorities; no shell.
FROM gcr.io/distroless/cc-debian${DEBIAN_RELEASE}:nonroot
LABEL org.opencontainers.image.title="inf-user" \
      org.opencontainers.image.description="Account data over REST, and mail about every change of an account" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /src/target/release/user-service /src/target/release/notifier-service /usr/local/bin/
# The image's user "nonroot", by number, so that a cluster can see that it is not root.
USER 65532:65532
# Inside a container, the port is to be reached from outside of it.
ENV USER_SERVICE_LISTEN=0.0.0.0:8080
EXPOSE 8080
# For the API and the relay. A container that is neither switches it off.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["/usr/local/bin/user-service", "healthcheck"]
CMD ["/usr/local/bin/user-service", "serve"]
