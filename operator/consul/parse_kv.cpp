#include <utility>

#include "operator/consul/base64.hpp"
#include "operator/consul/parse.hpp"
#include "operator/net/json_reader.hpp"

namespace rop::consul {

Result<std::vector<ports::KvEntry>> parse_kv(std::string_view text) {
    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    std::vector<ports::KvEntry> entries;
    for (const auto& field : document->root().elements()) {
        ports::KvEntry entry;
        entry.key = field.at("Key").text();
        const net::JsonField value = field["Value"];  // Null when it is empty.
        if (auto decoded = base64_decode(value.text())) {
            entry.value = std::move(*decoded);
        } else {
            value.note("not base64");
        }
        entry.create_index = field.at("CreateIndex").number();
        entry.modify_index = field.at("ModifyIndex").number();
        entry.session = field["Session"].text();
        entries.push_back(std::move(entry));
    }
    ROP_TRY(document->verdict());
    return entries;
}

}  // namespace rop::consul
