# Consul ACL policy for the token of redis-operator (Consul 1.4 or newer).
#
#   consul acl policy create -name redis-operator -rules @manifests/policies/consul-operator.hcl
#   consul acl token create -policy-name redis-operator

# Specs, records, status, events, the leader's lock and the epoch. Change it together with `kv_prefix` of the job.
key_prefix "redis-operator/" {
  policy = "write"
}

# Passwords of Redis that specs refer to (consulKey). The operator only reads them.
key_prefix "redis-operator/secrets/" {
  policy = "read"
}

# A session belongs to the node of the agent that was asked, and the operator runs on every host.
session_prefix "" {
  policy = "write"
}

# Its own entry, whose check the leader's session is bound to, and the leftovers of its predecessors.
service "redis-operator" {
  policy = "write"
}

# The instances of every declared service, with their checks and the nodes they are on.
service_prefix "" {
  policy = "read"
}

node_prefix "" {
  policy = "read"
}
