# Two images: schload, the binary alone (no shell, no libc, no root), and
# collector, the released OpenTelemetry collector beside it.
ARG GO_IMAGE=golang:1.26.8
ARG COLLECTOR_IMAGE=otel/opentelemetry-collector-contrib:0.161.0

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
# The list of modules with their sums is the bill of materials: what the linker
# put into the binary (go version -m reads it there too).
RUN --mount=type=cache,target=/cache \
    GOCACHE=/cache CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/schload ./cmd/schload \
    && go version -m /out/schload > /out/sbom.txt \
    && grep -q '^	dep	github.com/redis/go-redis/v9	' /out/sbom.txt \
    && mkdir -p /out/bundles

FROM ${COLLECTOR_IMAGE} AS collector
COPY --from=build /out/schload /schload

FROM scratch AS schload
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/schload /schload
COPY --from=build /out/sbom.txt /sbom.txt
# Runs leave their bundles in the working directory; a volume mounted here
# takes over its owner.
COPY --from=build --chown=65532:65532 /out/bundles /bundles
WORKDIR /bundles
USER 65532:65532
ENTRYPOINT ["/schload"]
