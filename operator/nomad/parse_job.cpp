#include <algorithm>
#include <array>
#include <limits>

#include "operator/net/json_reader.hpp"
#include "operator/nomad/parse.hpp"

namespace rop::nomad {
namespace {

// Of the states that a deployment has, those after which it is over: all others hold up scaling.
constexpr std::array<std::string_view, 3> over{"successful", "failed", "cancelled"};

std::uint32_t count_of(const net::JsonField& field) {
    const std::uint64_t count = field.number();
    if (count > std::numeric_limits<std::uint32_t>::max()) {
        field.note("want a count");
        return 0;
    }
    return static_cast<std::uint32_t>(count);
}

}  // namespace

Result<GroupFacts> parse_group(std::string_view text, std::string_view group) {
    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    const net::JsonField job = document->root();
    GroupFacts facts;
    facts.job_exists = true;
    facts.stopped = job["Stop"].boolean();
    facts.job_modify_index = job.at("JobModifyIndex").number();
    bool is_found = false;
    for (const auto& field : job["TaskGroups"].elements()) {
        if (field["Name"].text() == group) {
            is_found = true;
            facts.count = count_of(field.at("Count"));
        }
    }
    const std::string type = job["Type"].text();
    ROP_TRY(document->verdict());
    if (type == "system" || type == "sysbatch") {
        // Nomad runs one of it on every node; scaling it has made a service of it (1.1.0).
        return Error{ErrorKind::rejected, "a " + type + " job has no count"};
    }
    if (!is_found) {
        return Error{ErrorKind::rejected, "the job has no group \"" + std::string(group) + "\""};
    }
    return facts;
}

Result<bool> parse_deployment_active(std::string_view text) {
    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    const net::JsonField deployment = document->root();
    if (deployment.is_absent()) {
        return false;
    }
    const std::string status = deployment.at("Status").text();
    ROP_TRY(document->verdict());
    return std::ranges::find(over, status) == over.end();
}

Result<ports::VariableItems> parse_variable(std::string_view text) {
    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    ports::VariableItems items = document->root().at("Items").texts();
    ROP_TRY(document->verdict());
    return items;
}

}  // namespace rop::nomad
