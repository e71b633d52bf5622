#include "api/json/spec_parts.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "api/json/spec_values.hpp"
#include "api/nearest.hpp"

namespace rop::json {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// What the contract declares and this version does not do is refused rather than ignored: a user
// who declared backups must not believe that there are any.
constexpr std::string_view not_served = "declared in the contract but not served yet: ";

std::string unserved(std::string_view instead) {
    return std::string(not_served) + std::string(instead);
}

void read_scale(ObjectReader& nomad, NomadTarget& target) {
    const Node* node = nomad.find("scale");
    if (node == nullptr) {
        return;
    }
    constexpr std::string_view rule = "must be true, false or \"follow\"";
    if (node->kind == Node::Kind::boolean) {
        target.scale = node->boolean ? ScaleRule::yes : ScaleRule::no;
    } else if (node->kind == Node::Kind::text && node->text == "follow") {
        nomad.refuse("scale", unserved("use true or false"));
    } else {
        constexpr std::array<std::string_view, 3> words{"true", "false", "follow"};
        const std::string meant =
            node->kind == Node::Kind::text && node->text != "true" && node->text != "false"
                ? nearest(node->text, words)
                : node->text;
        nomad.refuse("scale", std::string(rule), node->kind == Node::Kind::text ? meant : "");
    }
}

void read_password(ObjectReader& auth, SecretRef& secret) {
    struct Kind {
        std::string_view name;
        SecretRef::Kind kind;
        const TextRule& rule;
    };
    static constexpr std::array kinds{
        Kind{"file", SecretRef::Kind::file, path_rule},
        Kind{"env", SecretRef::Kind::env, variable_rule},
        Kind{"nomadVariable", SecretRef::Kind::nomad_variable, nomad_variable_rule},
        Kind{"consulKey", SecretRef::Kind::consul_key, consul_key_rule}};
    constexpr std::array<std::string_view, 4> fields{"file", "env", "nomadVariable", "consulKey"};
    constexpr std::string_view rule =
        "a reference, never the secret itself: {\"file\": \"path\"}, {\"env\": \"NAME\"}, "
        "{\"nomadVariable\": \"path#item\"} or {\"consulKey\": \"key\"}";

    const Node* node = auth.require("password", rule);
    if (node == nullptr) {
        return;
    }
    if (node->kind != Node::Kind::object) {
        auth.refuse("password", "must be " + std::string(rule));
        return;
    }
    ObjectReader reader(auth.problems(), *node, auth.path_to("password"),
                        {.fields = fields, .secrecy = Secrecy::secret});
    std::size_t found = 0;
    for (const auto& kind : kinds) {
        found += reader.find(kind.name) == nullptr ? 0 : 1;
        if (reader.text(kind.name, kind.rule, secret.where)) {
            secret.kind = kind.kind;
        }
    }
    if (found != 1) {
        auth.refuse("password", "must have exactly one of: file, env, nomadVariable, consulKey");
    }
}

}  // namespace

void read_nomad(ObjectReader& whole, ClusterSpec& spec) {
    const Node* node = whole.find("nomad");
    if (node == nullptr) {
        return;
    }
    constexpr std::array<std::string_view, 4> fields{"job", "group", "namespace", "scale"};
    ObjectReader reader(whole.problems(), *node, whole.path_to("nomad"), {.fields = fields});
    NomadTarget target;
    reader.require("job", "the id of the Nomad job that runs the instances");
    reader.text("job", job_rule, target.job);
    reader.require("group", "the task group of the job");
    reader.text("group", job_rule, target.group);
    reader.text("namespace", namespace_rule, target.nomad_namespace);
    read_scale(reader, target);
    spec.nomad = std::move(target);
}

void read_placement(ObjectReader& whole, ClusterSpec& spec) {
    if (const Node* node = whole.find("placement")) {
        constexpr std::array<std::string_view, 1> fields{"spread"};
        ObjectReader reader(whole.problems(), *node, whole.path_to("placement"),
                            {.fields = fields});
        reader.text("spread", spread_rule, spec.spread);
    }
}

void read_auth(ObjectReader& whole, ClusterSpec& spec) {
    const Node* node = whole.find("auth");
    if (node == nullptr) {
        return;
    }
    constexpr std::array<std::string_view, 2> fields{"username", "password"};
    ObjectReader reader(whole.problems(), *node, whole.path_to("auth"),
                        {.fields = fields, .secrecy = Secrecy::secret});
    AuthSpec auth;
    reader.text("username", job_rule, auth.username);
    if (reader.is_object()) {
        read_password(reader, auth.password);
    }
    spec.auth = std::move(auth);
}

void read_tls(ObjectReader& whole, ClusterSpec& spec) {
    const Node* node = whole.find("tls");
    if (node == nullptr) {
        return;
    }
    constexpr std::array<std::string_view, 5> fields{"enabled", "ca", "cert", "key", "serverName"};
    ObjectReader reader(whole.problems(), *node, whole.path_to("tls"),
                        {.fields = fields, .secrecy = Secrecy::secret});
    reader.boolean("enabled", spec.tls.enabled);
    reader.text("ca", path_rule, spec.tls.ca);
    reader.text("cert", path_rule, spec.tls.cert);
    reader.text("key", path_rule, spec.tls.key);
    reader.text("serverName", job_rule, spec.tls.server_name);
    if (spec.tls.cert.empty() != spec.tls.key.empty()) {
        reader.refuse(spec.tls.cert.empty() ? "key" : "cert",
                      "cert and key belong together: name both, or neither");
    }
}

void read_failover(ObjectReader& whole, ClusterSpec& spec) {
    const Node* node = whole.find("failover");
    if (node == nullptr) {
        return;
    }
    constexpr std::array<std::string_view, 5> fields{"nodeTimeout", "downAfter", "onUnreachable",
                                                     "onQuorumLoss", "onShardLoss"};
    ObjectReader reader(whole.problems(), *node, whole.path_to("failover"), {.fields = fields});
    milliseconds node_timeout{};
    if (reader.duration("nodeTimeout", 500ms, 10min, node_timeout)) {
        spec.failover.node_timeout = node_timeout;
    }
    reader.duration("downAfter", 100ms, 10min, spec.failover.down_after);

    struct Policy {
        std::string_view name;
        std::array<std::string_view, 2> words;  // The first is served.
        std::string& target;
        std::string_view instead;
    };
    const std::array policies{
        Policy{"onUnreachable",
               {"promote", "wait"},
               spec.failover.on_unreachable,
               "Redis Cluster promotes by itself; use promote"},
        Policy{"onQuorumLoss", {"wait", "takeover"}, spec.failover.on_quorum_loss, "use wait"},
        Policy{"onShardLoss", {"wait", "recreateEmpty"}, spec.failover.on_shard_loss, "use wait"}};
    for (const auto& policy : policies) {
        if (reader.word(policy.name, policy.words, policy.target) &&
            policy.target != policy.words.front()) {
            reader.refuse(policy.name, unserved(policy.instead));
        }
    }
}

namespace {

/// In the order of the document, never looked up by name: a Consul value has room for 50,000.
void read_weights(ObjectReader& balance, const Node& node, BalanceSpec& spec) {
    constexpr std::size_t weights_max = 500;  // As many as a cluster may have primaries.
    constexpr RealRule rule{"a number from 0 to 1000",
                            [](double x) { return x >= 0 && x <= 1'000; }};
    const std::string path = balance.path_to("weights");
    ObjectReader reader(balance.problems(), node, path,
                        {.fields = {}, .unknown = UnknownFields::ignored});
    if (node.fields.size() > weights_max) {
        balance.refuse("weights", "must be at most " + std::to_string(weights_max) + " weights");
        return;
    }
    for (const auto& field : node.fields) {
        double weight = 0;
        if (reader.real_at(field.value, path_of(path, field.key), rule, weight)) {
            spec.weights.emplace(field.key, weight);
        }
    }
}

}  // namespace

void read_balance(ObjectReader& whole, ClusterSpec& spec) {
    const Node* node = whole.find("balance");
    if (node == nullptr) {
        return;
    }
    constexpr std::array<std::string_view, 5> fields{"enabled", "threshold", "weights",
                                                     "bytesPerMigrate", "maxParallelMoves"};
    ObjectReader reader(whole.problems(), *node, whole.path_to("balance"), {.fields = fields});
    reader.boolean("enabled", spec.balance.enabled);
    constexpr RealRule threshold_rule{"a number above 0 and below 1",
                                      [](double x) { return x > 0 && x < 1; }};
    reader.real("threshold", threshold_rule, spec.balance.threshold);
    if (const Node* weights = reader.find("weights")) {
        read_weights(reader, *weights, spec.balance);
    }
    const Node* bytes = reader.find("bytesPerMigrate");
    constexpr TextRule size_rule{"a size as \"512kb\" or \"1mb\", from 1kb to 1gb",
                                 [](std::string_view text) {
                                     const auto size = parse_size(text);
                                     return size && *size >= 1'024 && *size <= (1ULL << 30U);
                                 }};
    std::string size;
    if (bytes != nullptr && reader.text("bytesPerMigrate", size_rule, size)) {
        spec.balance.bytes_per_migrate = *parse_size(size);
    }
    reader.number("maxParallelMoves", {1, 64}, spec.balance.parallel_moves_max);
}

void read_backup(ObjectReader& whole, ClusterSpec& spec) {
    const Node* node = whole.find("backup");
    if (node == nullptr) {
        return;
    }
    constexpr std::array<std::string_view, 3> fields{"schedule", "to", "keep"};
    ObjectReader reader(whole.problems(), *node, whole.path_to("backup"), {.fields = fields});
    BackupSpec backup;
    reader.require("schedule", cron_rule.rule);
    reader.text("schedule", cron_rule, backup.schedule);
    reader.require("to", backup_target_rule.rule);
    reader.text("to", backup_target_rule, backup.to);
    reader.number("keep", {1, 1'000}, backup.keep);
    spec.backup = std::move(backup);
    whole.refuse("backup", unserved("leave it out, nothing is backed up"));
}

void read_allow(ObjectReader& whole, ClusterSpec& spec) {
    constexpr std::array consents{Consent::few_primaries, Consent::no_replicas,
                                  Consent::tight_memory, Consent::adopt};
    std::array<std::string_view, consents.size()> words;
    for (std::size_t i = 0; i < consents.size(); ++i) {
        words[i] = to_string(consents[i]);
    }
    const Node* list = whole.array("allow");
    for (std::size_t i = 0; list != nullptr && i < list->elements.size(); ++i) {
        const Node& element = list->elements[i];
        const std::string path = path_of(whole.path_to("allow"), i);
        const auto it = std::find(words.begin(), words.end(), element.text);
        if (element.kind != Node::Kind::text || it == words.end()) {
            whole.refuse_at(element, path,
                            "must be one of: fewPrimaries, noReplicas, tightMemory, adopt",
                            element.kind == Node::Kind::text ? nearest(element.text, words) : "");
        } else if (!spec.allow.insert(consents[static_cast<std::size_t>(it - words.begin())])
                        .second) {
            whole.refuse_at(element, path, "given twice: once is enough");
        }
    }
}

}  // namespace rop::json
