#include "test/simulation/sim_redis.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "test/simulation/redis_channel.hpp"

namespace rop::simulation {
namespace {

namespace asio = boost::asio;

class SimRedisPort : public SimRedis {
  public:
    SimRedisPort(SimRedisContext context, asio::any_io_executor executor)
        : context_(context), executor_(std::move(executor)) {}

    asio::awaitable<ports::RedisOutcome> send(ports::RedisRequest request) override {
        const auto exchange = std::make_shared<Exchange>();
        exchange->request = std::move(request);
        exchange->parked = std::make_shared<Parking<ports::RedisOutcome>>(executor_);
        if (context_.process->gone()) {
            exchange->outcome.failure = Error{ErrorKind::unavailable, "this process is gone"};
            exchange->outcome.contact = ports::RedisOutcome::Contact::refused;
            context_.clock->after(std::chrono::milliseconds{1},
                                  [exchange] { exchange->parked->put(exchange->outcome); });
            ports::RedisOutcome outcome = co_await exchange->parked->wait();
            co_return outcome;
        }
        const std::shared_ptr<RedisChannel> channel = channel_to(exchange->request.to);
        channel->begin(exchange);
        const Abandon abandon{channel, exchange};
        ports::RedisOutcome outcome = co_await exchange->parked->wait();
        co_return outcome;
    }

    void drop_all() override {
        for (const auto& [endpoint, channel] : channels_) {
            channel->drop();
        }
    }

    void keep_only(const std::vector<Endpoint>& keep) override {
        for (const auto& [endpoint, channel] : channels_) {
            if (std::ranges::count(keep, endpoint) == 0) {
                channel->drop();
            }
        }
    }

    void on_closed(std::function<void(const Endpoint&)> callback) override {
        on_closed_ = std::move(callback);
    }

    void process_ended() override {
        on_closed_ = {};
        drop_all();
    }

  private:
    /// Whoever is stopped while waiting gives its turn away.
    struct Abandon {
        std::shared_ptr<RedisChannel> channel;
        std::shared_ptr<Exchange> exchange;
        ~Abandon() { channel->abandon(exchange); }
    };

    std::shared_ptr<RedisChannel> channel_to(const Endpoint& to) {
        std::shared_ptr<RedisChannel>& channel = channels_[to];
        if (channel == nullptr) {
            channel = std::make_shared<RedisChannel>(context_, to, [this](const Endpoint& lost) {
                if (on_closed_ && !context_.process->gone()) {
                    on_closed_(lost);
                }
            });
        }
        return channel;
    }

    SimRedisContext context_;
    asio::any_io_executor executor_;
    std::map<Endpoint, std::shared_ptr<RedisChannel>> channels_;
    std::function<void(const Endpoint&)> on_closed_;
};

}  // namespace

std::unique_ptr<SimRedis> make_sim_redis(SimRedisContext context, asio::any_io_executor executor) {
    return std::make_unique<SimRedisPort>(context, std::move(executor));
}

}  // namespace rop::simulation
