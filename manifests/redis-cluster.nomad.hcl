# The instances of one Redis Cluster (or one Valkey cluster): empty servers, which redis-operator forms into a cluster.
#
#   nomad job run -var count=6 manifests/redis-cluster.nomad.hcl
#   redis-operator apply manifests/examples/cache.json
#
# Needs Nomad 1.8 or newer (`disconnect`), the raw_exec driver, and a local Consul agent on every host. Needs Redis 7.0
# or newer, or Valkey (`cluster-port`). Everything is given by arguments, so there is no file that could be out of date,
# except for what must not be seen in a process list: passwords come in a file, and certificates are files.
#
# Secured, with passwords and TLS (docs/operations/redis-access.md):
#   nomad job run -var config_file=/etc/redis-cache/secrets.conf -var tls_ca=/etc/redis-cache/ca.pem \
#     -var tls_cert=/etc/redis-cache/server.pem -var tls_key=/etc/redis-cache/server.key manifests/redis-cluster.nomad.hcl
#   redis-operator apply manifests/examples/secure.json

variable "job_name" {
  type        = string
  default     = "redis-cache"
  description = "Id of the job; `nomad.job` in the spec."
}

variable "service" {
  type        = string
  default     = "redis-cache"
  description = "Consul service of the instances; `service` in the spec. One cluster per service."
}

variable "count" {
  type        = number
  default     = 6
  description = "Instances: primaries x (1 + replicas per primary). The operator raises it when the spec needs more."
}

variable "redis_server" {
  type        = string
  default     = "/usr/bin/redis-server"
  description = "Path of redis-server or valkey-server on the hosts."
}

variable "datacenters" {
  type        = list(string)
  default     = ["*"]
  description = "Nomad datacenters in which instances may run."
}

variable "cpu" {
  type        = number
  default     = 200
  description = "MHz for each instance."
}

variable "memory" {
  type        = number
  default     = 256
  description = "MB for each instance. More than `maxmemory`: buffers of replicas and of clients come on top."
}

variable "node_timeout_ms" {
  type        = number
  default     = 5000
  description = "cluster-node-timeout. The operator shortens it while it forms the cluster, and then puts this back."
}

variable "protected_mode" {
  type        = string
  default     = "no"
  description = "yes refuses everyone but this host while there is no password; then instances on other hosts cannot join."
}

variable "config_file" {
  type        = string
  default     = ""
  description = "A file on the hosts, readable by redis-server alone, that it reads first; see examples/redis-secrets.conf."
}

variable "tls_cert" {
  type        = string
  default     = ""
  description = "Certificate of the instances, a file on the hosts. With it they speak TLS and nothing else, on the bus too."
}

variable "tls_key" {
  type        = string
  default     = ""
  description = "Its key."
}

variable "tls_ca" {
  type        = string
  default     = ""
  description = "The authorities by which instances judge each other and their clients."
}

variable "tls_auth_clients" {
  type        = string
  default     = "yes"
  description = "yes: clients need a certificate, too (mutual TLS); optional or no."
}

variable "extra_args" {
  type        = list(string)
  default     = []
  description = "More arguments for redis-server, e.g. [\"--maxmemory\", \"200mb\"]."
}

variable "health_check" {
  type        = string
  default     = "checks"
  description = "How an update of this job goes on: by checks, or by hand (manual), an instance at a time."
}

variable "shutdown_delay" {
  type        = string
  default     = "2s"
  description = "Between leaving Consul and the signal to end: the time in which a primary can be handed over."
}

variable "stop_on_client_after" {
  type        = string
  default     = "30s"
  description = "A host that is cut off from Nomad's servers for this long stops its instances by itself."
}

job "redis-cluster" {
  id          = var.job_name
  name        = var.job_name
  type        = "service"
  datacenters = var.datacenters

  # One instance after the other, and never back by itself: going back would restart every instance once more.
  update {
    max_parallel      = 1
    health_check      = var.health_check
    min_healthy_time  = "1s"
    healthy_deadline  = "2m"
    progress_deadline = "10m"
    auto_revert       = false
  }

  # A drained host waits for the operator: it moves the primaries away, then stops the allocations itself.
  migrate {
    max_parallel     = 0
    health_check     = "checks"
    min_healthy_time = "1s"
    healthy_deadline = "2m"
  }

  group "redis" {
    count          = var.count
    shutdown_delay = var.shutdown_delay

    # The data is in memory. An instance that died must never return empty under its old identity, for its replicas
    # would copy the emptiness: it is not restarted in place but replaced, with a new allocation, port and node id.
    restart {
      attempts = 0
      mode     = "fail"
    }

    reschedule {
      delay          = "5s" # the least that Nomad accepts
      delay_function = "constant"
      unlimited      = true
    }

    # Without this, the far side of a partition keeps a second, writable primary for as long as the partition lasts.
    disconnect {
      stop_on_client_after = var.stop_on_client_after
    }

    spread {
      attribute = "${node.unique.id}"
      weight    = 100
    }

    ephemeral_disk {
      size = 300
    }

    network {
      port "redis" {}
      port "bus" {}
    }

    service {
      name = var.service
      port = "redis"
      tags = ["redis"]

      meta {
        alloc_id = "${NOMAD_ALLOC_ID}"
        bus_port = "${NOMAD_HOST_PORT_bus}"
        host     = "${node.unique.name}"
        job      = "${NOMAD_JOB_ID}"
      }

      check {
        name     = "redis accepts connections"
        type     = "tcp"
        interval = "2s"
        timeout  = "1s"
      }
    }

    task "redis" {
      driver       = "raw_exec"
      kill_signal  = "SIGTERM"
      kill_timeout = "15s" # redis-server waits up to 10 s for its replicas (shutdown-timeout)

      config {
        command = var.redis_server
        args = concat(var.config_file == "" ? [] : [var.config_file], var.tls_cert == "" ? [
          "--port", "${NOMAD_PORT_redis}",
          "--cluster-announce-port", "${NOMAD_HOST_PORT_redis}",
          ] : [
          "--port", "0",
          "--tls-port", "${NOMAD_PORT_redis}",
          "--tls-cluster", "yes",
          "--tls-replication", "yes",
          "--tls-cert-file", var.tls_cert,
          "--tls-key-file", var.tls_key,
          "--tls-ca-cert-file", var.tls_ca,
          "--tls-auth-clients", var.tls_auth_clients,
          "--cluster-announce-tls-port", "${NOMAD_HOST_PORT_redis}",
          ], [
          "--cluster-enabled", "yes",
          "--cluster-port", "${NOMAD_PORT_bus}",
          "--bind", "${NOMAD_IP_redis}",
          "--cluster-announce-ip", "${NOMAD_IP_redis}",
          "--cluster-announce-bus-port", "${NOMAD_HOST_PORT_bus}",
          "--protected-mode", var.protected_mode,
          "--dir", "${NOMAD_TASK_DIR}",
          "--cluster-config-file", "nodes.conf",
          "--cluster-node-timeout", "${var.node_timeout_ms}",
          "--cluster-require-full-coverage", "yes",
          "--cluster-allow-replica-migration", "no", # which replica follows whom is the operator's decision
          "--save", "",
          "--appendonly", "no",
          "--rdb-del-sync-files", "yes", # what a replica was sent must not come back later as its own, old data
          "--repl-diskless-sync", "yes",
          "--repl-diskless-sync-delay", "0",
          "--daemonize", "no",
        ], var.extra_args)
      }

      resources {
        cpu    = var.cpu
        memory = var.memory
      }
    }
  }
}
