#include "operator/loop/core.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "operator/loop/cluster_loop.hpp"
#include "operator/loop/documents.hpp"
#include "operator/observe/watch.hpp"
#include "operator/runtime/bell.hpp"
#include "operator/runtime/task_group.hpp"
#include "operator/telemetry/log.hpp"
#include "operator/telemetry/metrics.hpp"

namespace rop::loop {

namespace asio = boost::asio;

namespace {

using KeysWatch = observe::Watch<std::vector<ports::KvEntry>>;

/// A loop with the tasks that keep it going.
struct Running {
    Running(LoopContext context, const ClusterName& name)
        : loop(context, name), tasks(context.ports.time->executor()) {}

    ClusterLoop loop;
    runtime::TaskGroup tasks;
};

class RealCore : public Core {
  public:
    RealCore(Ports ports, CoreOptions options, telemetry::Metrics* metrics)
        : ports_(ports),
          options_(std::move(options)),
          metrics_(metrics),
          leadership_(make_leadership(ports, options_.leadership)),
          bell_(ports.time),
          stop_(ports.time),
          tasks_(ports.time->executor()),
          keeper_(ports.time->executor()) {}

    asio::awaitable<void> run() override;
    void stop() override { stop_.ring(); }

    [[nodiscard]] std::map<ClusterName, ClusterView> clusters() const override;
    [[nodiscard]] Standing standing() const override { return leadership_->standing(); }
    [[nodiscard]] std::string not_ready() const override;

  private:
    void start();
    asio::awaitable<void> keep_loops();
    asio::awaitable<void> end_loop(ClusterName name);
    asio::awaitable<void> close();
    void leadership_changed();
    void connection_closed(const Endpoint& endpoint);
    void tidy_connections();

    [[nodiscard]] LoopContext context() {
        return {ports_, &options_, leadership_.get(), metrics_, nodes_.get(), &claims_};
    }

    Ports ports_;
    CoreOptions options_;
    telemetry::Metrics* metrics_;
    std::unique_ptr<Leadership> leadership_;
    runtime::Bell bell_;
    runtime::Bell stop_;
    Claims claims_;
    runtime::TaskGroup tasks_;
    runtime::TaskGroup keeper_;  // Of loops_: ends before anybody else walks them.
    std::unique_ptr<KeysWatch> keys_;
    std::unique_ptr<NodesWatch> nodes_;
    WatchReport watches_;
    std::map<ClusterName, std::unique_ptr<Running>> loops_;
    std::vector<std::string> refused_;
    bool was_leading_ = false;
};

void RealCore::start() {
    leadership_->on_change([this] { leadership_changed(); });
    ports_.redis->on_closed([this](const Endpoint& endpoint) { connection_closed(endpoint); });
    const std::string prefix = options_.leadership.kv_prefix + "clusters/";
    const auto ask_keys = [this, prefix](ports::BlockingQuery query) {
        return ports_.consul->kv_list(prefix, query);
    };
    observe::WatchOptions options;
    options.name = "keys";
    keys_ = std::make_unique<KeysWatch>(ports_.time, ports_.random, options, ask_keys,
                                        [this] { bell_.ring(); });
    if (ports_.nomad != nullptr) {
        const auto ask_nodes = [this](ports::BlockingQuery query) {
            return ports_.nomad->nodes(query);
        };
        options.name = "nomad-nodes";
        nodes_ =
            std::make_unique<NodesWatch>(ports_.time, ports_.random, options, ask_nodes, [this] {
                for (auto& [name, running] : loops_) {
                    running->loop.ring();
                }
            });
        tasks_.spawn("watch nomad-nodes", nodes_->run());
    }
    tasks_.spawn("watch keys", keys_->run());
    tasks_.spawn("leadership", leadership_->run());
    // Without one of them we would be a leader who sees nothing: the process ends, another takes
    // over.
    tasks_.on_failure([this] { stop_.ring(); });
    keeper_.on_failure([this] { stop_.ring(); });
    keeper_.spawn("loops", keep_loops());
}

asio::awaitable<void> RealCore::run() {
    start();
    co_await stop_.wait();
    co_await close();
}

/// Loops end before leadership does: nothing is written after the lock was given back.
asio::awaitable<void> RealCore::close() {
    std::exception_ptr bug;
    keeper_.stop();
    try {
        co_await keeper_.join();
    } catch (...) {
        bug = std::current_exception();
    }
    for (auto& [name, running] : loops_) {
        running->tasks.stop();
    }
    for (auto& [name, running] : loops_) {
        co_await running->tasks.join();
        running->loop.stop_sources();
        co_await running->loop.join_sources();
    }
    tasks_.stop();
    co_await tasks_.join();
    ports_.redis->on_closed({});
    ports_.redis->drop_all();
    if (bug) {
        std::rethrow_exception(bug);
    }
}

/// One loop for each spec key, as long as the key exists.
asio::awaitable<void> RealCore::keep_loops() {
    for (;;) {
        if (keys_->value()) {
            Catalogue read = read_documents(*keys_->value(), options_.leadership.kv_prefix);
            if (read.refused != refused_) {
                for (const auto& key : read.refused) {
                    log::warn("key is not of a cluster: names are [a-z0-9][a-z0-9-]{0,62}",
                              {{"key", key}});
                }
                refused_ = read.refused;
            }
            std::vector<ClusterName> ended;
            for (const auto& [name, running] : loops_) {
                const auto it = read.clusters.find(name);
                if (it == read.clusters.end() || !it->second.offer) {
                    ended.push_back(name);
                }
            }
            for (const auto& name : ended) {
                co_await end_loop(name);
            }
            for (auto& [name, documents] : read.clusters) {
                if (!documents.offer) {
                    continue;
                }
                auto& running = loops_[name];
                const bool is_new = running == nullptr;
                if (is_new) {
                    running = std::make_unique<Running>(context(), name);
                }
                running->loop.update(std::move(documents), keys_->view());
                if (is_new) {
                    log::info("cluster declared", {{"cluster", name.value()}});
                    running->tasks.spawn("loop " + name.value(), running->loop.run());
                }
            }
        }
        tidy_connections();
        if (metrics_ != nullptr) {
            watches_.add(*metrics_, *keys_, ports_.time->now());
            if (nodes_) {
                watches_.add(*metrics_, *nodes_, ports_.time->now());
            }
        }
        co_await bell_.wait_until(ports_.time->now() + options_.resync);
    }
}

asio::awaitable<void> RealCore::end_loop(ClusterName name) {
    const auto it = loops_.find(name);
    it->second->tasks.stop();
    co_await it->second->tasks.join();
    it->second->loop.stop_sources();
    co_await it->second->loop.join_sources();
    if (metrics_ != nullptr) {
        it->second->loop.forget_watches(*metrics_);
    }
    loops_.erase(it);
    claims_.forget(name);
    log::info("cluster no longer declared: it is left as it is", {{"cluster", name.value()}});
    if (metrics_ != nullptr) {
        metrics_->forget_cluster(name);
    }
}

void RealCore::leadership_changed() {
    const Standing now = leadership_->standing();
    if (was_leading_ && !now.leading) {
        ports_.redis->drop_all();  // With whatever is still in their buffers.
    }
    was_leading_ = now.leading;
    if (metrics_ != nullptr) {
        metrics_->leader(now.leading, now.epoch);
    }
    for (auto& [name, running] : loops_) {
        running->loop.ring();
    }
}

void RealCore::connection_closed(const Endpoint& endpoint) {
    for (auto& [name, running] : loops_) {
        const std::vector<Endpoint> list = running->loop.endpoints();
        if (std::find(list.begin(), list.end(), endpoint) != list.end()) {
            running->loop.ring();
        }
    }
}

void RealCore::tidy_connections() {
    std::vector<Endpoint> keep;
    for (const auto& [name, running] : loops_) {
        const std::vector<Endpoint> list = running->loop.endpoints();
        keep.insert(keep.end(), list.begin(), list.end());
    }
    ports_.redis->keep_only(keep);
}

std::map<ClusterName, ClusterView> RealCore::clusters() const {
    std::map<ClusterName, ClusterView> views;
    for (const auto& [name, running] : loops_) {
        views.emplace(name, running->loop.view());
    }
    return views;
}

std::string RealCore::not_ready() const {
    if (!keys_ || !keys_->view().seen) {
        return "Consul KV was not read yet";
    }
    if (!keys_->view().certain) {
        return "keys: " + keys_->view().why;
    }
    if (leadership_->standing().leader.empty()) {
        return "no leader is known";
    }
    for (const auto& [name, running] : loops_) {
        if (std::string why = running->loop.not_live(); !why.empty()) {
            return "cluster " + name.value() + ": " + why;
        }
    }
    return {};
}

}  // namespace

std::unique_ptr<Core> make_core(Ports ports, CoreOptions options, telemetry::Metrics* metrics) {
    return std::make_unique<RealCore>(ports, std::move(options), metrics);
}

}  // namespace rop::loop
