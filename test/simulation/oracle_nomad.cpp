#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "api/json/record_json.hpp"
#include "test/simulation/oracle.hpp"

// While Nomad cannot be asked nobody is proven to be ours, or gone: nothing is formed, forgotten or
// scaled (rule 8). Judged is what a process knew: that a question failed after which it looked at
// Redis again.
namespace rop::simulation {

namespace {

/// A snapshot's first question to Redis is written a survey's deadline after Nomad's word was taken
/// at the latest, or a lease later where the process stood still: beyond that it writes nothing.
constexpr std::chrono::milliseconds looking_time{1'000 + 1'500};

/// On these a snapshot rests.
constexpr std::array questions{"allocations", "nodes", "group"};

bool names(const std::vector<FormerNode>& nodes, const NodeId& node) {
    return std::ranges::any_of(nodes, [&](const FormerNode& one) { return one.node == node; });
}

}  // namespace

void Oracle::nomad_answered(const std::string& process, const std::string& question, bool well) {
    NomadWord& word = nomad_[process];
    if (well) {
        word.heard.insert(question);
        word.failing.erase(question);
    } else {
        word.failing.try_emplace(question, clock_.now());
    }
}

std::string Oracle::without_nomad(const std::string& process,
                                  const std::optional<NomadTarget>& declared) const {
    if (!declared) {
        return "";
    }
    const auto word = nomad_.find(process);
    const auto looked = looked_.find(process);
    for (const char* question : questions) {
        if (word == nomad_.end() || !word->second.heard.contains(question)) {
            return "Nomad has not told " + process + " about its " + question;
        }
        const auto since = word->second.failing.find(question);
        if (since != word->second.failing.end() && looked != looked_.end() &&
            looked->second - since->second > looking_time) {
            return "Nomad does not tell " + process + " about its " + question;
        }
    }
    return "";
}

void Oracle::scale_asked(const std::string& process, std::uint32_t count) {
    const auto declared = record_ ? record_->spec.nomad : std::nullopt;
    if (const std::string why = without_nomad(process, declared); !why.empty()) {
        violated("asked to scale to " + std::to_string(count) + " although " + why);
    }
}

/// Judged when it is applied: only then it is sure on what it rests.
void Oracle::kv_asked(const std::string& process, const std::vector<ports::TxnOp>& ops) {
    for (const ports::TxnOp& op : ops) {
        const auto* write = std::get_if<ports::KvCas>(&op);
        const auto record = write != nullptr && write->key == record_key_
                                ? json::parse_record(write->value)
                                : Result<Record>(Error{ErrorKind::malformed, "no record"});
        if (!record) {
            continue;
        }
        const std::pair asked{process, write->value};
        asked_without_nomad_.erase(asked);
        if (std::string why = without_nomad(process, record.value().spec.nomad); !why.empty()) {
            asked_without_nomad_.emplace(asked, std::move(why));
        }
    }
}

void Oracle::check_nomad(const Record& fresh, const std::string& why) {
    const bool begins = fresh.state != RecordState::accepted &&
                        (!record_ || record_->state == RecordState::accepted);
    if (begins) {
        violated("the record says " + std::string(to_string(fresh.state)) + " although " + why);
    }
    for (const FormerNode& former : fresh.former) {
        if (!record_ || !names(record_->former, former.node)) {
            violated("the record gives " + former.node.value().substr(0, 8) + " up although " +
                     why);
        }
    }
}

}  // namespace rop::simulation
