#include "test/simulation/sim_consul.hpp"

#include <utility>

#include "test/simulation/sim_blocking.hpp"
#include "test/simulation/sim_call.hpp"

namespace rop::simulation {
namespace {

namespace asio = boost::asio;
using ports::BlockingQuery;
using ports::KvEntry;
using ports::Page;
using ports::TxnAnswer;
using ports::TxnOp;

/// What a transaction writes: "lock redis-operator/leader, write redis-operator/epoch". Empty when
/// it writes nothing.
std::string effect_of(const std::vector<TxnOp>& operations) {
    std::string effect;
    for (const TxnOp& operation : operations) {
        const std::string key =
            std::visit([](const auto& one) { return std::string(one.key); }, operation);
        const bool checks = std::holds_alternative<ports::KvCheckSession>(operation) ||
                            std::holds_alternative<ports::KvCheckIndex>(operation);
        if (!checks) {
            const bool takes = std::holds_alternative<ports::KvLock>(operation);
            effect += (effect.empty() ? "" : ", ") + std::string(takes ? "lock " : "write ") + key;
        }
    }
    return effect;
}

class SimConsul : public ports::ConsulPort {
  public:
    SimConsul(SimConsulContext context, asio::any_io_executor executor)
        : context_(std::move(context)), executor_(std::move(executor)) {}

    Answer<Page<std::vector<KvEntry>>> kv_list(std::string prefix, BlockingQuery query) override {
        auto look = [this, prefix, query] {
            return forgotten(query) ? Page<std::vector<KvEntry>>{{}, 1}
                                    : context_.consul->list(prefix, reader(query));
        };
        auto index = [this, prefix, query] {
            return context_.consul->list_index(prefix, reader(query));
        };
        return read<std::vector<KvEntry>>(std::move(look), std::move(index), query, {});
    }

    Answer<Page<std::optional<KvEntry>>> kv_get(std::string key, BlockingQuery query) override {
        const auto seen = std::make_shared<std::string>();  // Who held the lock when it was read.
        auto look = [this, key, query, seen] {
            auto page = forgotten(query) ? Page<std::optional<KvEntry>>{std::nullopt, 1}
                                         : context_.consul->get(key, reader(query));
            *seen = page.value ? page.value->session : "";
            return page;
        };
        std::function<void()> delivered;
        if (query.consistent) {
            delivered = [this, key, seen, sent = context_.clock->now()] {
                proved(key, *seen, sent);
            };
        }
        auto index = [this, key, query] { return context_.consul->get_index(key, reader(query)); };
        return read<std::optional<KvEntry>>(std::move(look), std::move(index), query,
                                            std::move(delivered));
    }

    Answer<Page<std::vector<ports::ServiceEntry>>> health(std::string service,
                                                          BlockingQuery query) override {
        auto look = [this, service, query] {
            return forgotten(query) ? Page<std::vector<ports::ServiceEntry>>{{}, 1}
                                    : context_.consul->health(service, reader(query));
        };
        auto index = [this, service, query] {
            return context_.consul->health_index(service, reader(query));
        };
        return read<std::vector<ports::ServiceEntry>>(std::move(look), std::move(index), query, {});
    }

    Answer<TxnAnswer> txn(std::vector<TxnOp> operations) override {
        const Moment sent = context_.clock->now();
        if (context_.observer != nullptr) {
            context_.observer->kv_asked(context_.process->name(), operations);
        }
        const auto applied = std::make_shared<bool>(false);
        auto work = [this, operations, applied]() -> Result<TxnAnswer> {
            auto answer = context_.consul->txn(context_.process->name(), operations);
            *applied = answer && answer.value().applied;
            return answer;
        };
        auto delivered = [this, operations, applied, sent] {
            if (*applied) {
                proved_by(operations, sent);
            }
        };
        return run<TxnAnswer>(std::move(work), std::move(delivered), Needs::servers,
                              effect_of(operations));
    }

    Answer<std::string> session_create(ports::SessionRequest request) override {
        const auto created = std::make_shared<std::vector<std::string>>();  // It may be doubled.
        auto work = [this, request, created]() -> Result<std::string> {
            auto answer = context_.consul->create_session(context_.node, request);
            if (answer) {
                created->push_back(answer.value());
            }
            return answer;
        };
        auto delivered = [this, created] {
            for (const std::string& session : *created) {
                if (context_.observer != nullptr) {
                    context_.observer->session_created(context_.process->name(), session);
                }
            }
        };
        return run<std::string>(std::move(work), std::move(delivered), Needs::servers,
                                "create the session");
    }

    Answer<bool> session_renew(std::string session) override {
        auto work = [this, session]() -> Result<bool> {
            return context_.consul->renew_session(session);
        };
        return run<bool>(std::move(work), {});
    }

    Answer<void> session_destroy(std::string session) override {
        auto work = [this, session]() -> Result<void> {
            context_.consul->destroy_session(session);
            return ok();
        };
        return run<void>(std::move(work), {}, Needs::servers, "destroy the session");
    }

    Answer<void> register_service(ports::TtlService service) override {
        auto work = [this, service]() -> Result<void> {
            context_.consul->register_service(context_.node, service);
            return ok();
        };
        return run<void>(std::move(work), {}, Needs::agent, "register the service");
    }

    Answer<void> pass_check(std::string check_id) override {
        auto work = [this, check_id]() -> Result<void> {
            return context_.consul->pass_check(context_.node, check_id);
        };
        return run<void>(std::move(work), {}, Needs::agent);
    }

    Answer<void> deregister_service(std::string service_id) override {
        auto work = [this, service_id]() -> Result<void> {
            context_.consul->deregister_service(context_.node, service_id);
            return ok();
        };
        return run<void>(std::move(work), {}, Needs::agent, "deregister a service");
    }

    Answer<std::vector<ports::AgentService>> agent_services(std::string name) override {
        auto work = [this, name]() -> Result<std::vector<ports::AgentService>> {
            return context_.consul->agent_services(context_.node, name);
        };
        return run<std::vector<ports::AgentService>>(std::move(work), {}, Needs::agent);
    }

    Answer<std::string> agent_node() override {
        auto work = [this]() -> Result<std::string> { return context_.node; };
        return run<std::string>(std::move(work), {}, Needs::agent);
    }

  private:
    enum class Needs { servers, agent };

    bool forgotten(const BlockingQuery& query) {
        return !query.consistent && context_.consul->forgot(context_.process->name());
    }

    void proved(const std::string& key, const std::string& session, Moment sent) {
        if (context_.observer != nullptr && !session.empty()) {
            context_.observer->lock_proved(context_.process->name(), key, session, sent);
        }
    }

    /// A transaction that wrote and checked the lock has proved it at the servers; one that only
    /// read may have been answered from an old view.
    void proved_by(const std::vector<TxnOp>& operations, Moment sent) {
        bool wrote = false;
        for (const TxnOp& operation : operations) {
            wrote = wrote || !(std::holds_alternative<ports::KvCheckSession>(operation) ||
                               std::holds_alternative<ports::KvCheckIndex>(operation));
        }
        for (const TxnOp& operation : operations) {
            if (const auto* lock = std::get_if<ports::KvLock>(&operation)) {
                proved(lock->key, lock->session, sent);
            } else if (const auto* check = std::get_if<ports::KvCheckSession>(&operation);
                       check != nullptr && wrote) {
                proved(check->key, check->session, sent);
            }
        }
    }

    [[nodiscard]] ConsulReader reader(const BlockingQuery& query) const {
        return {context_.node, query.consistent};
    }

    template <class T>
    SimCall<T> call(Needs needs = Needs::servers) {
        return SimCall<T>(*context_.clock, *context_.faults, *context_.process,
                          needs == Needs::servers ? &context_.line : nullptr, executor_);
    }

    template <class T>
    Answer<Page<T>> read(std::function<Page<T>()> look, std::function<std::uint64_t()> index,
                         BlockingQuery query, std::function<void()> delivered) {
        BlockingServer<T> server;
        server.look = std::move(look);
        server.index = std::move(index);
        server.refusal = [consul = context_.consul, faults = context_.faults] {
            const auto why = consul->refusal();
            return why ? why : faults->refusal();
        };
        server.wait = [consul = context_.consul](std::function<bool()> waiter) {
            consul->wait(std::move(waiter));
        };
        return block<T>(call<Page<T>>(), std::move(server), query, context_.clock, context_.faults,
                        std::move(delivered));
    }

    /// `effect`: what it changes for others to see, in a word; empty: nothing.
    template <class T>
    Answer<T> run(std::function<Result<T>()> work, std::function<void()> delivered,
                  Needs needs = Needs::servers, std::string effect = {}) {
        const SimCall<T> request = call<T>(needs);
        auto arrive = [request, work = std::move(work), delivered = std::move(delivered), needs,
                       effect = std::move(effect), context = &context_] {
            const auto struck = [&](bool happened) {
                return !effect.empty() &&
                       context->faults->struck(context->process->name(), effect, happened);
            };
            const Consul& consul = *context->consul;
            Faults& faults = *context->faults;
            const bool asks_servers = needs == Needs::servers;
            auto why = asks_servers ? consul.refusal() : consul.agent_refusal();
            if (!why) {
                why = asks_servers ? faults.refusal() : faults.agent_refusal();
            }
            if (why) {
                request.fail(context->faults->latency(), *why);
            } else if (!struck(false)) {
                auto answer = work();
                if (!struck(true)) {
                    request.answer(std::move(answer), delivered);
                }
            }
        };
        request.send(std::move(arrive));
        Result<T> answer = co_await request.wait();
        co_return answer;
    }

    SimConsulContext context_;
    asio::any_io_executor executor_;
};

}  // namespace

std::unique_ptr<ports::ConsulPort> make_sim_consul(SimConsulContext context,
                                                   asio::any_io_executor executor) {
    return std::make_unique<SimConsul>(std::move(context), std::move(executor));
}

}  // namespace rop::simulation
