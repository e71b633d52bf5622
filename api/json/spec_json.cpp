#include "api/json/spec_json.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "api/json/spec_parts.hpp"
#include "api/json/spec_values.hpp"
#include "api/nearest.hpp"

namespace rop::json {
namespace {

constexpr std::uint64_t spec_version = 1;
constexpr std::uint64_t primaries_max = 500;
constexpr std::uint64_t replicas_per_primary_max = 5;

constexpr std::array<std::string_view, 16> top_fields{
    "version", "name",      "mode",  "primaries",  "replicasPerPrimary", "service",
    "nomad",   "placement", "auth",  "tls",        "settings",           "failover",
    "balance", "backup",    "allow", "pausedUntil"};

bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

// All that may stand below auth and tls.
constexpr std::array<std::string_view, 11> secretive_fields{
    "username", "password", "file", "env", "nomadVariable", "consulKey",
    "enabled",  "ca",       "cert", "key", "serverName"};

/// Whoever mistakes the shape may put the secret where a name belongs.
bool may_show_name(std::string_view name, Secrecy around) {
    return around == Secrecy::open || std::find(secretive_fields.begin(), secretive_fields.end(),
                                                name) != secretive_fields.end();
}

void read_name(ObjectReader& whole, std::optional<std::string_view> key_name, ClusterSpec& spec) {
    if (key_name && !is_cluster_name(*key_name)) {
        whole.problems().add(whole.node(),
                             {.path = whole.path_to("name"),
                              .value = in_quotes(*key_name),
                              .rule = "the key must be " + std::string(cluster_name_rule.rule),
                              .nearest = nearest_cluster_name(*key_name)});
    }
    std::string name(key_name.value_or(""));
    if (!key_name) {
        whole.require("name", cluster_name_rule.rule);
    }
    const Node* node = whole.find("name");
    if (node != nullptr && node->kind == Node::Kind::text && !is_cluster_name(node->text)) {
        whole.refuse("name", "must be " + std::string(cluster_name_rule.rule),
                     nearest_cluster_name(node->text));
    } else if (whole.text("name", cluster_name_rule, name) && key_name && name != *key_name) {
        whole.refuse("name", "must equal the key under which the spec is stored",
                     std::string(*key_name));
    }
    spec.name = ClusterName{std::move(name)};
}

/// false: nothing that depends on the mode can be judged.
bool read_mode(ObjectReader& whole, ClusterSpec& spec) {
    constexpr std::array modes{Mode::cluster, Mode::replication, Mode::sentinel};
    constexpr std::array<std::string_view, 3> words{"cluster", "replication", "sentinel"};
    whole.require("mode", "one of: cluster, replication, sentinel");
    std::string word;
    if (!whole.word("mode", words, word)) {
        return false;
    }
    spec.mode = *std::find_if(modes.begin(), modes.end(),
                              [&](Mode mode) { return to_string(mode) == word; });
    if (spec.mode != Mode::cluster) {
        whole.refuse("mode", "mode " + word +
                                 " is declared in the contract but not served yet: use cluster");
    }
    return true;
}

/// Which of the two were given rightly, or left out where they may be.
struct Counts {
    bool primaries = false;
    bool replicas = false;
};

Counts read_counts(ObjectReader& whole, ClusterSpec& spec) {
    whole.require("primaries", "a whole number from 1 to 500");
    Counts counts;
    counts.primaries = whole.number("primaries", {1, primaries_max}, spec.primaries);
    counts.replicas = whole.find("replicasPerPrimary") == nullptr ||
                      whole.number("replicasPerPrimary", {0, replicas_per_primary_max},
                                   spec.replicas_per_primary);
    return counts;
}

void check_counts(ObjectReader& whole, const ClusterSpec& spec, Counts counts) {
    if (counts.primaries && spec.mode != Mode::cluster && spec.primaries != 1) {
        whole.refuse("primaries", "must be 1 in mode " + std::string(to_string(spec.mode)));
    }
    for (auto& problem : problems_of_consent(spec)) {
        const bool about_primaries = problem.path == "$.primaries";
        if (about_primaries ? counts.primaries : counts.replicas) {
            whole.refuse(about_primaries ? "primaries" : "replicasPerPrimary",
                         std::move(problem.rule));
        }
    }
}

void read_paused_until(ObjectReader& whole, ClusterSpec& spec) {
    const Node* node = whole.find("pausedUntil");
    Timestamp until{};
    if (node != nullptr && node->kind != Node::Kind::null && whole.time("pausedUntil", until)) {
        spec.paused_until = until;
    }
}

/// Whether the document says of itself that it is of a version that we do not know.
bool is_of_other_version(ObjectReader& whole) {
    whole.require("version", "the version of the contract, 1");
    const Node* node = whole.find("version");
    std::uint64_t version = 0;
    if (node == nullptr) {
        return false;
    }
    if (const auto number = whole_number(*node); number && *number > spec_version) {
        whole.refuse("version", "this operator reads version 1 only");
        return true;
    }
    whole.number("version", {spec_version, spec_version}, version);
    return false;
}

}  // namespace

void check_everywhere(ProblemList& problems, const Node& node, const std::string& path,
                      Secrecy secrecy) {
    if (node.kind == Node::Kind::text && has_control_character(node.text)) {
        problems.add(node, {.path = path,
                            .value = shown_value(node, secrecy),
                            .rule = "control characters are not allowed",
                            .nearest = ""});
    }
    std::set<std::string_view> seen;
    for (const auto& field : node.fields) {
        const bool is_hidden =
            secrecy == Secrecy::secret || field.key == "tls" || sounds_secret(field.key);
        const Secrecy inner = is_hidden ? Secrecy::secret : Secrecy::open;
        const std::string inner_path =
            path_of(path, may_show_name(field.key, secrecy) ? field.key : "***");
        if (!seen.insert(field.key).second) {
            problems.add(field.value, {.path = inner_path,
                                       .value = shown_value(field.value, inner),
                                       .rule = "given twice: a field may be given once",
                                       .nearest = ""});
        }
        check_everywhere(problems, field.value, inner_path, inner);
    }
    for (std::size_t i = 0; i < node.elements.size(); ++i) {
        check_everywhere(problems, node.elements[i], path_of(path, i), secrecy);
    }
}

ClusterSpec read_spec(ProblemList& problems, const Node& node, const std::string& path,
                      std::optional<std::string_view> key_name) {
    ClusterSpec spec;
    // A newer document is judged by newer rules: nothing else is said about it.
    ObjectReader versioned(problems, node, path,
                           {.fields = top_fields, .unknown = UnknownFields::ignored});
    if (!versioned.is_object() || is_of_other_version(versioned)) {
        return spec;
    }
    ObjectReader whole(problems, node, path, {.fields = top_fields});
    read_name(whole, key_name, spec);
    const bool has_mode = read_mode(whole, spec);
    read_allow(whole, spec);
    const Counts counts = read_counts(whole, spec);
    if (has_mode) {
        check_counts(whole, spec, counts);
    }
    whole.require("service", service_rule.rule);
    whole.text("service", service_rule, spec.service);
    read_nomad(whole, spec);
    read_placement(whole, spec);
    read_auth(whole, spec);
    read_tls(whole, spec);
    read_settings(whole, spec);
    read_failover(whole, spec);
    read_balance(whole, spec);
    read_backup(whole, spec);
    read_paused_until(whole, spec);
    return spec;
}

std::string nearest_cluster_name(std::string_view written) {
    std::string name;
    for (const char c : written) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        const bool fits = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
        name += fits ? lower : '-';
    }
    return name != written && is_cluster_name(name) ? name : "";
}

SpecParse parse_spec(std::string_view text, std::string_view key_name) {
    const auto document = parse_document(text);
    if (document.has_error()) {
        return {.spec = std::nullopt, .problems = {{"$", "", document.error().what, ""}}};
    }
    const Node& root = document.value();
    if (root.kind != Node::Kind::object) {
        // Not shown: a whole spec, with whatever it holds, may have been quoted by mistake.
        return {.spec = std::nullopt,
                .problems = {{"$", "", "a spec must be a JSON object: {...}", ""}}};
    }
    ProblemList problems;
    check_everywhere(problems, root, "$", Secrecy::open);
    ClusterSpec spec = read_spec(problems, root, "$", key_name);
    if (!problems.empty()) {
        return {.spec = std::nullopt, .problems = std::move(problems).take()};
    }
    return {.spec = std::move(spec), .problems = {}};
}

}  // namespace rop::json
