package upgrade

// Database is the kind of database a choreography is about.
type Database string

// The kinds of databases.
const (
	Endpoint   Database = "endpoint"    // one address; behind it are proxies
	OSSCluster Database = "oss-cluster" // the OSS Cluster API: clients know the nodes and their slots
)

var databases = []Database{Endpoint, OSSCluster}
