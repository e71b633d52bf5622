# redis-operator on every host. One of them leads, the others stand by and take over when it is gone.
#
#   nomad job run -var operator_binary=/opt/redis-operator/bin/redis-operator manifests/operator.nomad.hcl
#
# With ACLs: manifests/policies/ has what the operator's tokens need. Give tokens as paths of files that Nomad or an
# administrator puts on the hosts, never as values: whoever may read the job would read them too. All of it secured:
#   -var consul_address=https://127.0.0.1:8501 -var consul_ca=/etc/consul/ca.pem \
#   -var consul_token_file=/etc/redis-operator/consul-token \
#   -var nomad_address=https://127.0.0.1:4646 -var nomad_ca=/etc/nomad/ca.pem \
#   -var nomad_token_file=/etc/redis-operator/nomad-token \
#   -var http_cert=/etc/redis-operator/http.pem -var http_key=/etc/redis-operator/http.key \
#   -var http_token_file=/etc/redis-operator/http-token

variable "operator_binary" {
  type        = string
  default     = "/usr/local/bin/redis-operator"
  description = "Path of the program on the hosts."
}

variable "datacenters" {
  type        = list(string)
  default     = ["*"]
  description = "Nomad datacenters in which it runs."
}

variable "kv_prefix" {
  type        = string
  default     = "redis-operator/"
  description = "Where specs, records and status are kept in Consul KV."
}

variable "log_level" {
  type        = string
  default     = "info"
  description = "debug, info, warn or error; anything else ends the program."
}

variable "log_format" {
  type        = string
  default     = "json"
  description = "json for machines, logfmt for people; anything else ends the program."
}

variable "consul_address" {
  type        = string
  default     = "127.0.0.1:8500"
  description = "The local Consul agent; may use $${attr.unique.network.ip-address}."
}

variable "nomad_address" {
  type        = string
  default     = "http://127.0.0.1:4646"
  description = "The local Nomad agent."
}

variable "consul_ca" {
  type        = string
  default     = ""
  description = "The authority by which Consul's certificate is judged; for an https:// address. Files are on the hosts."
}

variable "consul_token_file" {
  type        = string
  default     = ""
  description = "Holds the Consul token, which has the policy policies/consul-operator.hcl."
}

variable "nomad_ca" {
  type        = string
  default     = ""
  description = "The authority by which Nomad's certificate is judged; for an https:// address."
}

variable "nomad_token_file" {
  type        = string
  default     = ""
  description = "Holds the Nomad token, which has the policy policies/nomad-operator.hcl."
}

variable "http_cert" {
  type        = string
  default     = ""
  description = "Certificate of the operator's own listener, for the hosts' addresses. With it metrics and API are served over TLS."
}

variable "http_key" {
  type        = string
  default     = ""
  description = "Its key."
}

variable "http_token_file" {
  type        = string
  default     = ""
  description = "Holds the bearer token that who asks for metrics and API must show."
}

variable "env" {
  type        = map(string)
  default     = {}
  description = "More environment, e.g. CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY for mutual TLS; docs/reference/configuration.md lists all."
}

variable "cpu" {
  type        = number
  default     = 100
  description = "MHz."
}

variable "memory" {
  type        = number
  default     = 64
  description = "MB."
}

job "redis-operator" {
  type        = "system"
  datacenters = var.datacenters
  priority    = 80 # it must get a place before what it looks after

  group "operator" {
    # It holds no data: whatever ends it, it comes back on its host.
    restart {
      attempts = 10
      interval = "1m"
      delay    = "1s"
      mode     = "delay"
    }

    network {
      port "http" {}
    }

    service {
      name = "redis-operator-http"
      port = "http"
      tags = ["metrics"]

      meta {
        alloc_id = "${NOMAD_ALLOC_ID}"
        host     = "${node.unique.name}"
      }

      check {
        name     = "redis-operator answers"
        type     = "http"
        protocol = var.http_cert == "" ? "http" : "https"
        path     = "/healthz"

        # Asked by this host's own Consul agent, which need not know the authority.
        tls_skip_verify = var.http_cert != ""

        interval = "5s"
        timeout  = "2s"
      }
    }

    task "operator" {
      driver       = "raw_exec"
      kill_signal  = "SIGTERM" # the leader releases its lock, so that the next one takes over at once
      kill_timeout = "5s"

      config {
        command = var.operator_binary
        args = [
          "run",
          "--listen", "${NOMAD_IP_http}:${NOMAD_PORT_http}",
          "--host-name", "${node.unique.name}",
          "--kv-prefix", var.kv_prefix,
          "--log-level", var.log_level,
          "--log-format", var.log_format,
        ]
      }

      env = merge({
        CONSUL_HTTP_ADDR                = var.consul_address
        CONSUL_CACERT                   = var.consul_ca
        CONSUL_HTTP_TOKEN_FILE          = var.consul_token_file
        NOMAD_ADDR                      = var.nomad_address
        NOMAD_CACERT                    = var.nomad_ca
        REDIS_OPERATOR_NOMAD_TOKEN_FILE = var.nomad_token_file
        REDIS_OPERATOR_HTTP_CERT_FILE   = var.http_cert
        REDIS_OPERATOR_HTTP_KEY_FILE    = var.http_key
        REDIS_OPERATOR_HTTP_TOKEN_FILE  = var.http_token_file
      }, var.env)

      resources {
        cpu    = var.cpu
        memory = var.memory
      }
    }
  }
}
