module schload/test/clients/go-redis

go 1.26
