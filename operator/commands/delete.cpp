#include <string>
#include <string_view>
#include <utility>

#include "operator/commands/commands.hpp"
#include "operator/commands/shown.hpp"

namespace rop::commands {
namespace {

constexpr std::string_view left_alone =
    "the cluster that exists then goes on without an operator: a later apply finds "
    "ExistingCluster and only looks, until the spec has \"allow\": [\"adopt\"], which takes the "
    "cluster over as it is";

/// What can be done when only the record is left.
std::string kept_record(const Stored& stored) {
    const std::string& name = stored.name.value();
    const std::string apply = "redis-operator apply FILE --name " + name;
    return stored.may_be_formed()
               ? "its record is kept: " + apply + " resumes where it was"
               : "nothing was formed yet: " + apply + " begins anew; redis-operator delete " +
                     name + " --forget-record removes the last of it";
}

Outcome nothing_to_delete(const Stored& stored) {
    const std::string& name = stored.name.value();
    if (stored.record_index == 0) {
        return failure(name + " is not declared", "redis-operator get lists what is");
    }
    return failure(name + " is not declared any more", kept_record(stored));
}

Outcome asks_for_yes(const Stored& stored) {
    const std::string& name = stored.name.value();
    const std::string_view state = stored.record ? to_string(stored.record->state)
                                                 : std::string_view("one that cannot be read");
    return failure(
        name + ": nothing was deleted: the record is " + std::string(state) + ", and " +
            std::string(left_alone),
        "redis-operator delete " + name +
            " keeps the record; --forget-record --yes removes it all the same, as when all "
            "instances are empty and shall be formed anew");
}

std::string said(const Stored& stored, bool forgotten) {
    const std::string& name = stored.name.value();
    std::string text;
    if (stored.declared && stored.may_be_formed()) {
        text += name + ": not managed any more. Its instances, jobs and data were not touched.\n";
    } else if (stored.declared) {
        text += name + ": not declared any more; nothing had been formed.\n";
    }
    if (forgotten && stored.may_be_formed()) {
        text += name + ": record forgotten; " + std::string(left_alone) +
                ". Instances that are all empty are formed anew.\n";
    } else if (forgotten) {
        text += name + ": record forgotten; a later apply begins anew.\n";
    } else if (stored.record_index != 0) {
        text += "next: " + kept_record(stored) + "\n";
    }
    return text;
}

}  // namespace

Answering delete_cluster(Toolbox tools, DeleteRequest request) {
    auto found = co_await tools.store.one(request.name);
    if (found.has_error()) {
        co_return failure(found.error(), look_at_consul);
    }
    const Stored& stored = found.value();
    const bool forget = request.forget_record && stored.record_index != 0;
    if (!stored.declared && !forget) {
        co_return nothing_to_delete(stored);
    }
    if (forget && stored.may_be_formed() && !request.yes) {
        co_return asks_for_yes(stored);
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
        co_return failure(written.error(), look_at_consul);
    }
    if (!written.value().applied) {
        const Error raced{ErrorKind::rejected, "somebody else changed it at the same moment"};
        const Error why = store.missing_right(written.value()).value_or(raced);
        co_return failure(in_context(request.name.value() + ": nothing was deleted", why),
                          "run delete again");
    }
    Outcome outcome;
    outcome.out = said(stored, forget);
    co_return outcome;
}

}  // namespace rop::commands
