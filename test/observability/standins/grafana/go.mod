module schload/test/observability/standins/grafana

go 1.26.0
