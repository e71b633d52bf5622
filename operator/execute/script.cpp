#include "operator/execute/script.hpp"

#include <map>
#include <utility>

namespace rop::execute {
namespace {

using ports::Words;

Command command(Words words) {
    return Command{std::move(words), {}};
}

/// A range is two words of ADDSLOTSRANGE (Redis 7.0 or newer, which we require).
Command add_slots(const std::vector<SlotRange>& slots) {
    Words words{"CLUSTER", "ADDSLOTSRANGE"};
    for (const auto& [first, last] : slots) {
        words.push_back(std::to_string(first.value()));
        words.push_back(std::to_string(last.value()));
    }
    return command(std::move(words));
}

Command set_timeout(std::chrono::milliseconds timeout) {
    return command({"CONFIG", "SET", "cluster-node-timeout", std::to_string(timeout.count())});
}

Command forbid_migration() {
    return command({"CONFIG", "SET", "cluster-allow-replica-migration", "no"});
}

class ScriptWriter {
  public:
    explicit ScriptWriter(const Snapshot& seen) : seen_(seen) {}

    Result<Script> operator()(const WriteRecord& action) const { return Script{action}; }
    Result<Script> operator()(const RaiseCount& action) const { return Script{action}; }

    Result<Script> operator()(const EndOlderConnections& action) const {
        RedisStage stage;
        for (const auto& [id, clients] : action.client_ids) {
            ROP_TRY(Batch batch, batch_for(id));
            for (const auto client : clients) {
                batch.commands.push_back(Command{{"CLIENT", "KILL", "ID", std::to_string(client)},
                                                 "ERR No such client"});
            }
            stage.push_back(std::move(batch));
        }
        return Script{std::move(stage)};
    }

    /// The timeout first: with it everything that follows travels fast. Slots before anyone is
    /// met, so that the first gossip carries them.
    Result<Script> operator()(const PrepareNodes& action) const {
        RedisStage stage;
        for (const auto& node : action.nodes) {
            ROP_TRY(Batch batch, batch_for(node.at));
            batch.commands.push_back(set_timeout(action.node_timeout));
            batch.commands.push_back(forbid_migration());
            if (node.config_epoch) {
                batch.commands.push_back(
                    command({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(*node.config_epoch)}));
            }
            if (!node.slots.empty()) {
                batch.commands.push_back(add_slots(node.slots));
            }
            stage.push_back(std::move(batch));
        }
        return Script{std::move(stage)};
    }

    Result<Script> operator()(const Meet& action) const {
        std::map<InstanceId, Batch> batches;
        for (const auto& pair : action.pairs) {
            ROP_TRY(auto met, report_of(pair.to));
            ROP_TRY(Batch fresh, batch_for(pair.from));
            Batch& batch = batches.try_emplace(pair.from, std::move(fresh)).first->second;
            batch.commands.push_back(
                command({"CLUSTER", "MEET", met->address->host, std::to_string(met->address->port),
                         std::to_string(met->report->bus_port)}));
        }
        return Script{in_order(std::move(batches))};
    }

    Result<Script> operator()(const Follow& action) const {
        RedisStage stage;
        for (const auto& pair : action.pairs) {
            ROP_TRY(Batch batch, batch_for(pair.replica));
            batch.commands.push_back(command({"CLUSTER", "REPLICATE", pair.primary.value()}));
            stage.push_back(std::move(batch));
        }
        return Script{std::move(stage)};
    }

    Result<Script> operator()(const AssignSlots& action) const {
        RedisStage stage;
        for (const auto& share : action.shares) {
            ROP_TRY(Batch batch, batch_for(share.owner));
            batch.commands.push_back(add_slots(share.slots));
            if (share.raise_epoch) {
                batch.commands.push_back(command({"CLUSTER", "BUMPEPOCH"}));
            }
            stage.push_back(std::move(batch));
        }
        return Script{std::move(stage)};
    }

    Result<Script> operator()(const SetNodeTimeout& action) const {
        return everywhere(action.at, set_timeout(action.timeout));
    }

    Result<Script> operator()(const ForbidReplicaMigration& action) const {
        return everywhere(action.at, forbid_migration());
    }

    Result<Script> operator()(const Forget& action) const {
        RedisStage stage;
        for (const auto& id : action.at) {
            ROP_TRY(Batch batch, batch_for(id));
            for (const auto& node : action.nodes) {
                batch.commands.push_back(
                    Command{{"CLUSTER", "FORGET", node.value()}, "ERR Unknown node"});
            }
            stage.push_back(std::move(batch));
        }
        return Script{std::move(stage)};
    }

  private:
    [[nodiscard]] Result<const Instance*> report_of(const InstanceId& id) const {
        const auto it = seen_.instances.find(id);
        if (it == seen_.instances.end() || !it->second.answered() || !it->second.address) {
            return Error{ErrorKind::rejected, "instance " + id.value() + " did not answer lately"};
        }
        return &it->second;
    }

    [[nodiscard]] Result<Batch> batch_for(const InstanceId& id) const {
        ROP_TRY(auto instance, report_of(id));
        return Batch{id, *instance->address, {}};
    }

    [[nodiscard]] Result<Script> everywhere(const std::vector<InstanceId>& at,
                                            const Command& sent) const {
        RedisStage stage;
        for (const auto& id : at) {
            ROP_TRY(Batch batch, batch_for(id));
            batch.commands.push_back(sent);
            stage.push_back(std::move(batch));
        }
        return Script{std::move(stage)};
    }

    static RedisStage in_order(std::map<InstanceId, Batch> batches) {
        RedisStage stage;
        for (auto& [id, batch] : batches) {
            stage.push_back(std::move(batch));
        }
        return stage;
    }

    const Snapshot& seen_;
};

}  // namespace

Result<Script> write_script(const Action& action, const Snapshot& seen) {
    return std::visit(ScriptWriter{seen}, action);
}

}  // namespace rop::execute
