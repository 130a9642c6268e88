# The binary alone: no shell, no libc, no root.
ARG GO_IMAGE=golang:1.26.8

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/schload ./cmd/schload \
    && mkdir -p /out/bundles

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/schload /schload
# Runs leave their bundles in the working directory; a volume mounted here
# takes over its owner.
COPY --from=build --chown=65532:65532 /out/bundles /bundles
WORKDIR /bundles
USER 65532:65532
ENTRYPOINT ["/schload"]
