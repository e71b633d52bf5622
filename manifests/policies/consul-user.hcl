# Consul ACL policy for people and pipelines that declare clusters: redis-operator apply, delete, get, describe, plan.
#
#   consul acl policy create -name redis-operator-user -rules @manifests/policies/consul-user.hcl
#   consul acl token create -policy-name redis-operator-user
#
# Whoever may write specs decides which servers the operator speaks to, and to whom it sends the passwords that it can read.

# Who leads, and under which epoch.
key_prefix "redis-operator/" {
  policy = "read"
}

# Passwords of Redis: whoever may put them there needs a policy of his own, e.g. for one cluster
#   key_prefix "redis-operator/secrets/cache/" { policy = "write" }
# Without it, plan and apply --dry-run cannot ask instances whose password is in Consul, and say so.
key_prefix "redis-operator/secrets/" {
  policy = "deny"
}

# Specs; delete --forget-record also removes records, status and events.
key_prefix "redis-operator/clusters/" {
  policy = "write"
}

# plan and apply --dry-run look at the instances themselves.
service_prefix "" {
  policy = "read"
}

node_prefix "" {
  policy = "read"
}
