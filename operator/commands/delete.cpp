#include <string>
#include <utility>

#include "operator/commands/commands.hpp"

namespace rop::commands {
namespace {

Outcome nothing_to_delete(const Stored& stored) {
    const std::string& name = stored.name.value();
    if (stored.record_index != 0) {
        return failure(name +
                       " is not declared any more; its record is kept, so that apply resumes it\n"
                       "next: redis-operator delete " +
                       name + " --forget-record removes the record too");
    }
    return failure(name + " is not declared\nnext: redis-operator get lists what is");
}

std::string said(const Stored& stored, bool forget_record) {
    const std::string& name = stored.name.value();
    std::string text;
    if (stored.declared) {
        text += name + ": not managed any more. Its instances, jobs and data were not touched.\n";
    }
    if (forget_record) {
        text += name +
                ": record forgotten. A later apply sees an existing cluster, and takes it over "
                "only with \"allow\": [\"adopt\"].\n";
    } else {
        text +=
            "next: the record is kept: redis-operator apply resumes where it was; "
            "--forget-record would remove it\n";
    }
    return text;
}

}  // namespace

Answering delete_cluster(Toolbox tools, DeleteRequest request) {
    auto found = co_await tools.store.one(request.name);
    if (found.has_error()) {
        co_return failure(found.error().what);
    }
    const Stored& stored = found.value();
    const bool forget = request.forget_record && stored.record_index != 0;
    if (!stored.declared && !forget) {
        co_return nothing_to_delete(stored);
    }

    const Store& store = tools.store;
    std::vector<ports::TxnOp> write;
    if (stored.declared) {
        write.emplace_back(ports::KvDeleteCas{store.key(request.name, "spec"), stored.spec_index});
    }
    if (forget) {
        const std::string record = store.key(request.name, "record");
        write.emplace_back(ports::KvDeleteCas{record, stored.record_index});
        write.emplace_back(ports::KvDelete{store.key(request.name, "status")});
        write.emplace_back(ports::KvDelete{store.key(request.name, "events")});
    }
    auto written = co_await store.change(std::move(write));
    if (written.has_error()) {
        co_return failure(written.error().what);
    }
    if (!written.value().applied) {
        const auto& errors = written.value().errors;
        co_return failure(request.name.value() +
                          ": nothing was deleted, because it was changed at the same moment or "
                          "Consul refused: " +
                          (errors.empty() ? "no reason given" : printable(errors.front())) +
                          "\nnext: run delete again");
    }
    Outcome outcome;
    outcome.out = said(stored, forget);
    co_return outcome;
}

}  // namespace rop::commands
