#include <algorithm>
#include <set>
#include <utility>

#include "api/base/overloaded.hpp"
#include "operator/consul/parse.hpp"
#include "operator/consul/write.hpp"
#include "operator/net/json_reader.hpp"

namespace rop::consul {
namespace {

bool is_write(const ports::TxnOp& operation) {
    return std::visit(Overloaded{[](const ports::KvSet&) { return true; },
                                 [](const ports::KvCas&) { return true; },
                                 [](const ports::KvLock&) { return true; },
                                 [](const ports::KvUnlock&) { return true; },
                                 [](const ports::KvDelete&) { return false; },
                                 [](const ports::KvDeleteCas&) { return false; },
                                 [](const ports::KvCheckSession&) { return false; },
                                 [](const ports::KvCheckIndex&) { return false; }},
                      operation);
}

}  // namespace

Result<ports::TxnAnswer> parse_txn_applied(std::string_view text,
                                           const std::vector<ports::TxnOp>& operations) {
    std::set<std::string> written;
    for (const auto& operation : operations) {
        if (is_write(operation)) {
            written.insert(key_of(operation));
        }
    }

    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    ports::TxnAnswer answer;
    answer.applied = true;
    for (const auto& result : document->root()["Results"].elements()) {
        const net::JsonField field = result.at("KV");
        ports::KvEntry entry;  // The value is not repeated.
        entry.key = field.at("Key").text();
        entry.create_index = field.at("CreateIndex").number();
        entry.modify_index = field.at("ModifyIndex").number();
        entry.session = field["Session"].text();
        if (!written.contains(entry.key)) {
            continue;
        }
        // A key that was both checked and written is repeated for both; the last one stands.
        std::erase_if(answer.entries, [&](const auto& old) { return old.key == entry.key; });
        answer.entries.push_back(std::move(entry));
    }
    ROP_TRY(document->verdict());
    return answer;
}

Result<ports::TxnAnswer> parse_txn_refused(std::string_view text,
                                           const std::vector<ports::TxnOp>& operations) {
    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    ports::TxnAnswer answer;
    for (const auto& error : document->root()["Errors"].elements()) {
        const std::uint64_t index = error["OpIndex"].number();  // Absent for the first one.
        std::string which = "operation " + std::to_string(index);
        if (index < operations.size()) {
            which += " (" + verb_of(operations[index]) + " " + key_of(operations[index]) + ")";
        }
        answer.errors.push_back(which + ": " + error["What"].text());
    }
    ROP_TRY(document->verdict());
    if (answer.errors.empty()) {
        return Error{ErrorKind::malformed, "refused without a reason"};
    }
    return answer;
}

}  // namespace rop::consul
