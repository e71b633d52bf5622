#include <algorithm>

#include "test/unit/api/json/spec_refusals.hpp"

namespace rop::json {
namespace {

std::vector<Refusal> nomad_placement_tls() {
    const auto nomad = [](const char* name, const std::string& fields, const char* problem,
                          const char* nearest = "") {
        return with(name, "\"nomad\":{\"job\":\"j\",\"group\":\"g\"" + fields + "}", problem,
                    nearest);
    };
    return {
        with("NomadText", R"("nomad":"job")", "$.nomad: \"job\": must be an object, not a text"),
        with("NomadNull", R"("nomad":null)", "$.nomad: null: must be an object, not null"),
        with("NomadNoJob", R"("nomad":{"group":"g"})", "$.nomad.job: required"),
        with("NomadNoGroup", R"("nomad":{"job":"j"})", "$.nomad.group: required"),
        with("NomadEmptyJob", R"("nomad":{"job":"","group":"g"})", "$.nomad.job: \"\": must be"),
        with("NomadSpaceGroup", R"("nomad":{"job":"j","group":"a b"})",
             "$.nomad.group: \"a b\": must be"),
        nomad("NomadNamespace", R"(,"namespace":"*")", "$.nomad.namespace: \"*\": must be"),
        nomad("NomadUnknown", R"(,"jobb":"j")", "$.nomad.jobb: a text: unknown field", "job"),
        nomad("NomadToken", R"(,"token":"hunter2")", "$.nomad.token: ***: unknown field"),
        nomad("ScaleFollow", R"(,"scale":"follow")",
              "$.nomad.scale: \"follow\": declared in the contract but not served yet"),
        nomad("ScaleTypo", R"(,"scale":"folow")", "$.nomad.scale: \"folow\": must be", "follow"),
        nomad("ScaleTrueText", R"(,"scale":"true")", "$.nomad.scale: \"true\": must be", "true"),
        nomad("ScaleNumber", R"(,"scale":1)", "$.nomad.scale: 1: must be true, false or"),
        with("PlacementText", R"("placement":"host")", "$.placement: \"host\": must be an object"),
        with("PlacementUnknown", R"("placement":{"spred":"host"})",
             "$.placement.spred: a text: unknown field; known here: spread", "spread"),
        with("SpreadUnknown", R"("placement":{"spread":"rack"})",
             "$.placement.spread: \"rack\": must be host, datacenter or meta.<key>"),
        with("SpreadNoKey", R"("placement":{"spread":"meta."})",
             "$.placement.spread: \"meta.\": must be host"),
        with("TlsCertAlone", R"("tls":{"enabled":true,"cert":"/tls/cert.pem"})",
             "$.tls.cert: ***: cert and key belong together"),
        with("TlsKeyAlone", R"("tls":{"enabled":true,"key":"/tls/key.pem"})",
             "$.tls.key: ***: cert and key belong together"),
        with("TlsText", R"("tls":"hunter2")", "$.tls: ***: must be an object"),
        with("TlsEnabledText", R"("tls":{"enabled":"true"})",
             "$.tls.enabled: ***: must be true or false, not a text", "true"),
        with("TlsKey", R"("tls":{"key":["hunter2"]})", "$.tls.key: ***: must be the path"),
        with("TlsUnknown", R"("tls":{"kex":"hunter2"})", "$.tls.kex: ***: unknown field", "key"),
        with("TlsUnknownName", R"("tls":{"-----BEGIN KEY":1})",
             "$.tls[\"***\"]: ***: unknown field"),
        with("TlsDirectory", R"("tls":{"ca":"/tls/"})", "$.tls.ca: ***: must be the path"),
    };
}

std::vector<Refusal> auth() {
    const auto password = [](const char* name, const std::string& value, const char* problem,
                             const char* nearest = "") {
        return with(name, "\"auth\":{\"password\":" + value + "}", problem, nearest);
    };
    return {
        with("AuthText", R"("auth":"hunter2")", "$.auth: ***: must be an object, not a text"),
        with("AuthNoPassword", R"("auth":{})", "$.auth.password: required: a reference"),
        with("AuthUnknown", R"("auth":{"pasword":"hunter2","password":{"env":"P"}})",
             "$.auth.pasword: ***: unknown field", "password"),
        with("AuthUnknownName", R"("auth":{"hunter2":1,"password":{"env":"P"}})",
             "$.auth[\"***\"]: ***: unknown field"),
        with("AuthTwice", R"("auth":{"password":{"env":"P"}},"auth":"hunter2")",
             "$.auth: ***: given twice"),
        with("AuthMisspelt", R"("Auth":{"password":"hunter2"})", "$.Auth: ***: unknown field",
             "auth"),
        with("PasswordOnTop", R"("password":"hunter2")", "$.password: ***: unknown field"),
        with("Username", R"("auth":{"username":"a b","password":{"env":"P"}})",
             "$.auth.username: ***: must be"),
        password("PasswordText", R"("hunter2")",
                 "$.auth.password: ***: must be a reference, never the secret itself"),
        password("PasswordNumber", "12345", "$.auth.password: ***: must be a reference"),
        password("PasswordEmpty", "{}", "$.auth.password: ***: must have exactly one of"),
        password("PasswordTwo", R"({"file":"/f","env":"E"})",
                 "$.auth.password: ***: must have exactly one of"),
        password("PasswordFileEmpty", R"({"file":""})", "$.auth.password.file: ***: must be the"),
        password("PasswordFileNumber", R"({"file":1})", "$.auth.password.file: ***: must be the"),
        password("PasswordEnv", R"({"env":"1X"})", "$.auth.password.env: ***: must be the name"),
        password("PasswordNomad", R"({"nomadVariable":"redis-operator/cache#"})",
                 "$.auth.password.nomadVariable: ***: must be the path of a Nomad variable"),
        password("PasswordNomadPath", R"({"nomadVariable":"/redis.cache#password"})",
                 "$.auth.password.nomadVariable: ***: must be the path of a Nomad variable"),
        password("PasswordConsul", R"({"consulKey":"redis-operator/secrets/../leader"})",
                 "$.auth.password.consulKey: ***: must be a Consul key"),
        password("PasswordConsulFolder", R"({"consulKey":"redis-operator/secrets/cache/"})",
                 "$.auth.password.consulKey: ***: must be a Consul key"),
    };
}

Refusal setting(const std::string& name, const std::string& key, const std::string& value,
                const std::string& problem, const char* nearest = "") {
    return with(name, "\"settings\":{\"" + key + "\":" + value + "}",
                "$.settings[\"" + key + "\"]: " + problem, nearest);
}

std::vector<Refusal> settings() {
    return {
        with("SettingsText", R"("settings":"a b")", "$.settings: \"a b\": must be an object"),
        with("SettingsTwice", R"("settings":{"save":"","save":"x"})",
             "$.settings[\"save\"]: \"x\": given twice"),
        setting("SettingNumber", "maxmemory", "100", "100: must be a text", "\"100\""),
        setting("SettingTrue", "appendonly", "true", "true: must be a text", "\"yes\""),
        setting("SettingFalse", "appendonly", "false", "false: must be a text", "\"no\""),
        setting("SettingNull", "maxmemory", "null", "null: must be a text"),
        setting("SettingLong", "maxmemory", "\"" + std::string(4'097, '1') + "\"",
                "\"" + std::string(60, '1') + "...\": must be a text of at most 4096"),
        setting("SettingCase", "MaxMemory", "\"1mb\"", "\"1mb\": must be named", "maxmemory"),
        setting("SettingUnderscore", "maxmemory_policy", "\"x\"", "\"x\": must be named",
                "maxmemory-policy"),
        setting("SettingSpace", "a b", "\"x\"", "\"x\": must be named"),
        setting("SettingEmpty", "", "\"x\"", "\"x\": must be named"),
        setting("SettingTimeout", "cluster-node-timeout", "\"5000\"",
                "\"5000\": may not be set here: use failover.nodeTimeout"),
        setting("SettingOtherCase", "Cluster_Enabled", "\"no\"", "\"no\": may not be set here"),
        setting("SettingPassword", "requirepass", "\"hunter2\"",
                "***: may not be set here: a secret does not belong into a spec: use auth"),
        setting("SettingPasswordNumber", "masterauth", "12345", "***: may not be set here"),
        setting("SettingUser", "user", "\"default on >hunter2\"", "***: may not be set here"),
        setting("SettingTls", "tls-key-file-pass", "\"hunter2\"", "***: may not be set here"),
    };
}

std::vector<Refusal> owned_settings() {
    std::vector<Refusal> rows;
    for (const auto* name : {"cluster-enabled",
                             "cluster-config-file",
                             "cluster-port",
                             "cluster-announce-ip",
                             "cluster-announce-bus-port",
                             "cluster-allow-replica-migration",
                             "cluster-replica-no-failover",
                             "cluster-slave-no-failover",
                             "sentinel",
                             "tls-port",
                             "replicaof",
                             "slaveof",
                             "replica-announce-ip",
                             "slave-announce-port",
                             "port",
                             "bind",
                             "bind-source-addr",
                             "protected-mode",
                             "unixsocket",
                             "unixsocketperm",
                             "dir",
                             "dbfilename",
                             "appendfilename",
                             "appenddirname",
                             "daemonize",
                             "supervised",
                             "pidfile",
                             "logfile",
                             "databases",
                             "include",
                             "loadmodule",
                             "rename-command",
                             "enable-debug-command",
                             "enable-module-command",
                             "enable-protected-configs"}) {
        std::string row_name = "Owned_" + std::string(name);
        std::replace(row_name.begin(), row_name.end(), '-', '_');
        rows.push_back(setting(row_name, name, "\"x\"", "\"x\": may not be set here: "));
    }
    for (const auto* name : {"masteruser", "primaryauth", "primaryuser", "aclfile"}) {
        const std::string shown = std::string(name) == "aclfile" ? "\"x\"" : "***";
        rows.push_back(setting("Owned_" + std::string(name), name, "\"x\"",
                               shown + ": may not be set here: a secret"));
    }
    return rows;
}

std::vector<Refusal> failover() {
    const auto failover = [](const char* name, const char* fields, const char* problem,
                             const char* nearest = "") {
        return with(name, "\"failover\":{" + std::string(fields) + "}", problem, nearest);
    };
    return {
        with("FailoverList", R"("failover":[])", "$.failover: []: must be an object, not a list"),
        failover("FailoverUnknown", R"("nodetimeout":"1s")",
                 "$.failover.nodetimeout: a text: unknown field", "nodeTimeout"),
        failover("TimeoutNumber", R"("nodeTimeout":15000)",
                 "$.failover.nodeTimeout: 15000: must be a duration as"),
        failover("TimeoutNoUnit", R"("nodeTimeout":"15")", "$.failover.nodeTimeout: \"15\": must"),
        failover("TimeoutShort", R"("nodeTimeout":"499ms")",
                 "$.failover.nodeTimeout: \"499ms\": must be a duration as \"500ms\", \"15s\" or "
                 "\"1m\", from 500ms to 10m"),
        failover("TimeoutLong", R"("nodeTimeout":"601s")", "$.failover.nodeTimeout: \"601s\": m"),
        failover("TimeoutNegative", R"("nodeTimeout":"-1s")", "$.failover.nodeTimeout: \"-1s\": m"),
        failover("DownAfter", R"("downAfter":"1ms")",
                 "$.failover.downAfter: \"1ms\": must be a duration as"),
        failover("UnreachableTypo", R"("onUnreachable":"promot")",
                 "$.failover.onUnreachable: \"promot\": must be one of: promote, wait", "promote"),
        failover("UnreachableWait", R"("onUnreachable":"wait")",
                 "$.failover.onUnreachable: \"wait\": declared in the contract but not served"),
        failover("QuorumTypo", R"("onQuorumLoss":"takeOver")",
                 "$.failover.onQuorumLoss: \"takeOver\": must be one of: wait, takeover",
                 "takeover"),
        failover("QuorumTakeover", R"("onQuorumLoss":"takeover")",
                 "$.failover.onQuorumLoss: \"takeover\": declared in the contract but not"),
        failover("ShardTypo", R"("onShardLoss":true)",
                 "$.failover.onShardLoss: true: must be one of: wait, recreateEmpty"),
        failover("ShardRecreate", R"("onShardLoss":"recreateEmpty")",
                 "$.failover.onShardLoss: \"recreateEmpty\": declared in the contract but not"),
    };
}

std::vector<Refusal> balance_backup() {
    const auto balance = [](const char* name, const char* fields, const char* problem,
                            const char* nearest = "") {
        return with(name, "\"balance\":{" + std::string(fields) + "}", problem, nearest);
    };
    return {
        with("BalanceTrue", R"("balance":true)", "$.balance: true: must be an object"),
        balance("BalanceUnknown", R"("enabeld":true)", "$.balance.enabeld: true: unknown field",
                "enabled"),
        balance("BalanceEnabled", R"("enabled":"no")", "$.balance.enabled: \"no\": must be true"),
        balance("ThresholdZero", R"("threshold":0)",
                "$.balance.threshold: 0: must be a number above 0 and below 1"),
        balance("ThresholdOne", R"("threshold":1.0)", "$.balance.threshold: 1.0: must be"),
        balance("ThresholdGiant", R"("threshold":1e400)", "$.balance.threshold: 1e400: must be"),
        balance("ThresholdText", R"("threshold":"0.1")", "$.balance.threshold: \"0.1\": must be"),
        balance("WeightsList", R"("weights":[1])", "$.balance.weights: [...]: must be an object"),
        balance("WeightNegative", R"("weights":{"a":-1})",
                "$.balance.weights[\"a\"]: -1: must be a number from 0 to 1000"),
        balance("WeightText", R"("weights":{"a":"x"})", "$.balance.weights[\"a\"]: \"x\": must"),
        balance("BytesNumber", R"("bytesPerMigrate":1000000)",
                "$.balance.bytesPerMigrate: 1000000: must be a size as"),
        balance("BytesNoUnit", R"("bytesPerMigrate":"1000000")",
                "$.balance.bytesPerMigrate: \"1000000\": must be a size as"),
        balance("BytesSmall", R"("bytesPerMigrate":"1023b")",
                "$.balance.bytesPerMigrate: \"1023b\": must be a size as"),
        balance("BytesBig", R"("bytesPerMigrate":"2gb")",
                "$.balance.bytesPerMigrate: \"2gb\": must be a size as"),
        balance("BytesOverflow", R"("bytesPerMigrate":"99999999999999999gb")",
                "$.balance.bytesPerMigrate: \"99999999999999999gb\": must be a size as"),
        balance("MovesZero", R"("maxParallelMoves":0)",
                "$.balance.maxParallelMoves: 0: must be a whole number from 1 to 64"),
        with("Backup", R"("backup":{"schedule":"0 3 * * *","to":"file:///b"})",
             "$.backup: {...}: declared in the contract but not served yet: leave it out"),
    };
}

}  // namespace

std::vector<Refusal> part_refusals() {
    std::vector<Refusal> all;
    for (const auto& rows : {nomad_placement_tls(), auth(), settings(), owned_settings(),
                             failover(), balance_backup()}) {
        all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
}

}  // namespace rop::json
