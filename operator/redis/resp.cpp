#include "operator/redis/resp.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <hiredis/hiredis.h>

namespace rop::redis {
namespace {

using ports::Reply;

/// What the callbacks below know of the reply that is being read.
struct Budget {
    std::size_t elements_left = 0;
    bool is_exceeded = false;
};

/// Where the object of `task` goes: into its array, or a new one of its own. hiredis fills arrays
/// in order and from the inside out, so an object is complete before its array grows again and
/// pointers into it stay good.
Reply* place_for(const redisReadTask* task) {
    if (task->parent == nullptr) {
        return std::make_unique<Reply>().release();  // Freed by free_object() or taken by next().
    }
    return &static_cast<Reply*>(task->parent->obj)->elements.emplace_back();
}

void* create_text(const redisReadTask* task, char* text, std::size_t length) {
    Reply* reply = place_for(task);
    reply->kind = task->type == REDIS_REPLY_ERROR    ? Reply::Kind::error
                  : task->type == REDIS_REPLY_STATUS ? Reply::Kind::status
                                                     : Reply::Kind::text;
    reply->text.assign(text, length);
    return reply;
}

void* create_array(const redisReadTask* task, int elements) {
    auto* budget = static_cast<Budget*>(task->privdata);
    const auto wanted = static_cast<std::size_t>(std::max(elements, 0));
    if (wanted > budget->elements_left) {
        budget->is_exceeded = true;
        return nullptr;
    }
    budget->elements_left -= wanted;
    Reply* reply = place_for(task);
    reply->kind = Reply::Kind::array;
    reply->elements.reserve(std::min<std::size_t>(wanted, 64));  // A header alone costs nothing.
    return reply;
}

void* create_integer(const redisReadTask* task, long long value) {
    Reply* reply = place_for(task);
    reply->kind = Reply::Kind::integer;
    reply->integer = value;
    return reply;
}

void* create_nil(const redisReadTask* task) {
    return place_for(task);
}

/// Only ever called with an outermost reply.
void free_object(void* reply) {
    const std::unique_ptr<Reply> end(static_cast<Reply*>(reply));
}

redisReplyObjectFunctions callbacks{create_text, create_array, create_integer, create_nil,
                                    free_object};

struct FreeReader {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
};

}  // namespace

struct RespReader::Parser {
    explicit Parser(RespLimits given)
        : limits(given), reader(redisReaderCreateWithFunctions(&callbacks)) {
        budget.elements_left = limits.elements;
        reader->privdata = &budget;  // Its macro casts a pointer to int, which is no C++.
    }

    [[nodiscard]] std::size_t unread() const { return reader->len - reader->pos; }

    /// hiredis searches the end of a line from its start whenever more has come.
    [[nodiscard]] bool line_is_too_long() const {
        if (unread() <= limits.line_bytes) {
            return false;
        }
        const auto& task = reader->rstack[std::max(reader->ridx, 0)];
        const std::string_view rest(reader->buf + reader->pos, unread());
        constexpr std::size_t header_max = 32;
        return task.type != REDIS_REPLY_STRING ||
               rest.substr(0, header_max).find('\n') == std::string_view::npos;
    }

    [[nodiscard]] Error error(std::string what) {
        broken = "not a reply of Redis: " + std::move(what);
        return Error{ErrorKind::malformed, broken};
    }

    [[nodiscard]] Error too_many_bytes() {
        return error("more than " + std::to_string(limits.reply_bytes) + " bytes");
    }

    RespLimits limits;
    Budget budget;
    std::unique_ptr<redisReader, FreeReader> reader;
    std::size_t reply_bytes = 0;  // Fed since the last whole reply.
    std::string broken;
};

RespReader::RespReader(RespLimits limits) : parser_(std::make_unique<Parser>(limits)) {}

RespReader::~RespReader() = default;

void RespReader::feed(std::string_view bytes) {
    if (parser_->broken.empty()) {
        parser_->reply_bytes += bytes.size();
        redisReaderFeed(parser_->reader.get(), bytes.data(), bytes.size());
    }
}

Result<std::optional<Reply>> RespReader::next() {
    Parser& parser = *parser_;
    if (!parser.broken.empty()) {
        return Error{ErrorKind::malformed, parser.broken};
    }
    void* object = nullptr;
    if (redisReaderGetReply(parser.reader.get(), &object) != REDIS_OK) {
        if (parser.budget.is_exceeded) {
            return parser.error("more than " + std::to_string(parser.limits.elements) +
                                " elements");
        }
        return parser.error(parser.reader->errstr);
    }
    if (object == nullptr) {
        if (parser.reply_bytes > parser.limits.reply_bytes) {
            return parser.too_many_bytes();
        }
        if (parser.line_is_too_long()) {
            return parser.error("a line of more than " + std::to_string(parser.limits.line_bytes) +
                                " bytes");
        }
        return std::optional<Reply>{};
    }
    const std::unique_ptr<Reply> reply(static_cast<Reply*>(object));
    if (parser.reply_bytes - parser.unread() > parser.limits.reply_bytes) {
        return parser.too_many_bytes();
    }
    parser.reply_bytes = parser.unread();
    parser.budget.elements_left = parser.limits.elements;
    return std::optional<Reply>(std::move(*reply));
}

bool RespReader::is_between_replies() const {
    return parser_->broken.empty() && parser_->reply_bytes == 0;
}

void append_command(std::string& out, const ports::Words& words) {
    std::vector<const char*> pointers;
    std::vector<std::size_t> lengths;
    pointers.reserve(words.size());
    lengths.reserve(words.size());
    for (const auto& word : words) {
        pointers.push_back(word.data());
        lengths.push_back(word.size());
    }
    char* text = nullptr;
    const int length = redisFormatCommandArgv(&text, static_cast<int>(words.size()),
                                              pointers.data(), lengths.data());
    if (length > 0) {
        out.append(text, static_cast<std::size_t>(length));
    }
    redisFreeCommand(text);
}

}  // namespace rop::redis
