#pragma once

#include <string>

namespace rop::json {

/// The smallest spec there is, with `more` (",\"field\": ...") at its end.
inline std::string minimal_and(const std::string& more) {
    return R"({"version":1,"mode":"cluster","primaries":3,"service":"redis-cache")" + more + "}";
}

/// Every field that is served, none at its default.
inline constexpr auto full_spec = R"({
  "version": 1,
  "name": "cache",
  "mode": "cluster",
  "primaries": 2,
  "replicasPerPrimary": 0,
  "service": "redis-cache",
  "nomad": {"job": "redis-cache", "group": "redis", "namespace": "prod", "scale": false},
  "placement": {"spread": "meta.rack"},
  "auth": {"username": "operator", "password": {"file": "/secrets/redis"}},
  "tls": {"enabled": false, "ca": "/tls/ca.pem", "cert": "/tls/cert.pem", "key": "/tls/key.pem",
          "serverName": "redis.internal"},
  "settings": {"maxmemory": "512mb", "maxmemory-policy": "allkeys-lru", "save": ""},
  "failover": {"nodeTimeout": "2s", "downAfter": "1500ms", "onUnreachable": "promote",
               "onQuorumLoss": "wait", "onShardLoss": "wait"},
  "balance": {"enabled": false, "threshold": 0.05, "weights": {"a": 2, "b": 0.5},
              "bytesPerMigrate": "512kb", "maxParallelMoves": 8},
  "allow": ["fewPrimaries", "noReplicas", "tightMemory", "adopt"],
  "pausedUntil": "2026-11-21T09:00:00Z"
})";

}  // namespace rop::json
