# Nomad ACL policy for the token of redis-operator.
#
#   nomad acl policy apply redis-operator manifests/policies/nomad-operator.hcl
#   nomad acl token create -policy redis-operator -type client

# Jobs and allocations of the clusters, and the count of their groups. Nothing is registered, stopped or executed.
namespace "default" {
  capabilities = ["read-job", "scale-job"]

  # Passwords of Redis that specs refer to (nomadVariable). Needs Nomad 1.4.
  variables {
    path "redis-operator/*" {
      capabilities = ["read"]
    }
  }
}

# Which hosts there are, and what becomes of them.
node {
  policy = "read"
}
