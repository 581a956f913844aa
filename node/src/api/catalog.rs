//! The problems that are not rules of the chain: each with its stable code, once.

use axum::http::StatusCode;
use mulu_chain::types::Height;

use super::SUBSCRIBERS_MAX;
use super::language::Text;
use super::problem::Problem;

/// No such route.
pub fn no_such_route() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_such_route",
        Text::new("There is nothing at this path", "此路径下没有内容"),
        Text::new("no route of the API matches the path", "接口中没有与该路径匹配的路由"),
        Text::new(
            "compare the path with the routes in docs/api.md",
            "请对照 docs/api.md 中的接口路径",
        ),
    )
}

/// The route exists, the method does not.
pub fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        Text::new("This path does not take this method", "此路径不支持该请求方法"),
        Text::new(
            "records are read with GET; transactions are submitted with POST",
            "记录用 GET 读取，交易用 POST 提交",
        ),
        Text::new("see the Allow header of this answer", "请查看本响应的 Allow 头"),
    )
}

/// A path segment or query parameter that cannot be used.
pub fn invalid_parameter(name: &str, reason: Text) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_parameter",
        Text::with(
            format!("The parameter `{name}` cannot be used"),
            format!("参数 `{name}` 无法使用"),
        ),
        reason,
        Text::new("correct the parameter and send the request again", "请改正该参数后重新发送请求"),
    )
}

/// A cursor that this node did not issue for this list.
pub fn invalid_cursor() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_cursor",
        Text::new("The cursor cannot be used", "游标无法使用"),
        Text::new(
            "it is damaged, belongs to another list, or names a height this node has not reached",
            "游标已损坏、属于另一列表，或所指高度本节点尚未到达",
        ),
        Text::new(
            "pass next_cursor of the previous page unchanged, or start again without a cursor",
            "请原样传回上一页的 next_cursor，或不带游标重新开始",
        ),
    )
}

/// A read from elsewhere without a token or certificate.
pub fn unauthorized() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        Text::new("Reading from here needs a token", "从此处读取需要令牌"),
        Text::new(
            "the request carries no token or client certificate that this node knows",
            "请求未带本节点认可的令牌或客户端证书",
        ),
        Text::new(
            "send `Authorization: Bearer <token>` with a token of this node's operator; submitting signed transactions needs none",
            "请携带 `Authorization: Bearer <令牌>`，令牌由本节点运维人员发放；提交已签名交易不需要令牌",
        ),
    )
}

/// More event streams than the node keeps open.
pub fn too_many_subscribers() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too_many_subscribers",
        Text::new("Too many event streams are open", "事件流订阅过多"),
        Text::with(
            format!("this node keeps at most {SUBSCRIBERS_MAX} open"),
            format!("本节点最多同时保持 {SUBSCRIBERS_MAX} 个事件流"),
        ),
        Text::new(
            "ask again later, ask another node, or fetch pages with format=json",
            "请稍后重试、改用其他节点，或以 format=json 分页读取",
        ),
    )
    .retry_after_s(30)
}

/// Something asked for by name does not exist.
pub fn not_found(detail: Text, help: Text) -> Problem {
    let title = Text::new("Not found", "未找到");
    Problem::new(StatusCode::NOT_FOUND, "not_found", title, detail, help)
}

/// A body that is too long.
pub fn body_too_large(limit: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        Text::new("The request body is too large", "请求体过大"),
        Text::with(format!("at most {limit} bytes are read"), format!("最多读取 {limit} 字节")),
        Text::new("split the actions over several transactions", "请将操作拆分到多个交易中提交"),
    )
}

/// A body that arrives too slowly.
pub fn body_too_slow(limit_s: u64) -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "body_too_slow",
        Text::new("The request body did not arrive in time", "请求体未及时到达"),
        Text::with(
            format!("the whole body must arrive within {limit_s} seconds"),
            format!("整个请求体须在 {limit_s} 秒内到达"),
        ),
        Text::new("check the connection and send it again", "请检查网络后重新发送"),
    )
}

/// A body that broke off.
pub fn body_incomplete() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "body_incomplete",
        Text::new("The request body broke off", "请求体中断"),
        Text::new("the connection ended before the whole body arrived", "请求体未到齐，连接已断开"),
        Text::new("send the request again", "请重新发送请求"),
    )
}

/// A POST of another media type.
pub fn unsupported_media_type() -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        Text::new("The body has another media type", "请求体的媒体类型不受支持"),
        Text::new(
            "a transaction is a DSSE envelope in JSON; browsers' form types are refused so that no web page can post on your behalf",
            "交易是 JSON 形式的 DSSE 信封；拒绝浏览器表单类型，以免网页冒名提交",
        ),
        Text::new(
            "set Content-Type to application/json or application/vnd.dsse+json",
            "请将 Content-Type 设为 application/json 或 application/vnd.dsse+json",
        ),
    )
}

/// A Host this node does not answer for.
pub fn host_refused() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "host_refused",
        Text::new("This node does not answer for that host name", "本节点不以该主机名提供服务"),
        Text::new(
            "the API listens on a loopback address and takes only loopback and configured names, so that no web page can reach it under a name of its own (DNS rebinding)",
            "接口仅监听本机地址，只接受本机名称和已配置的名称，以防网页借自有域名访问（DNS 重绑定）",
        ),
        Text::new(
            "use http://127.0.0.1 or http://localhost, or add the name to api.hosts in config.toml",
            "请使用 http://127.0.0.1 或 http://localhost，或在 config.toml 的 api.hosts 中加入该名称",
        ),
    )
}

/// A POST from a web page of another origin.
pub fn origin_refused() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "origin_refused",
        Text::new("Web pages of another origin may not post here", "不允许其他来源的网页在此提交"),
        Text::new(
            "the Origin header names another site than the Host header",
            "Origin 头所指的站点与 Host 头不同",
        ),
        Text::new(
            "submit from a program or from a page this node serves, or add the page's host to api.hosts in config.toml",
            "请从程序或本节点提供的页面提交，或在 config.toml 的 api.hosts 中加入该页面的主机名",
        ),
    )
}

/// More work than the node takes on at once.
pub fn busy() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "busy",
        Text::new("The node is busy", "节点繁忙"),
        Text::new(
            "as many requests as it takes on at once are under way",
            "同时处理的请求已达上限",
        ),
        Text::new("try again shortly", "请稍后重试"),
    )
    .retry_after_s(1)
}

/// A request that took too long.
pub fn request_timeout(limit_s: u64) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "request_timeout",
        Text::new("The request took too long", "请求处理超时"),
        Text::with(
            format!("there was no answer within {limit_s} seconds"),
            format!("{limit_s} 秒内未能得出结果"),
        ),
        Text::new(
            "a submitted transaction may still be committed: ask for it by its id before sending it again",
            "已提交的交易仍可能上链：重发前请先按交易号查询",
        ),
    )
    .retry_after_s(1)
}

/// The mempool has no room.
pub fn mempool_full() -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "mempool_full",
        Text::new("The node's queue of transactions is full", "节点的待处理交易队列已满"),
        Text::new("the transaction was not queued", "该交易未进入队列"),
        Text::new(
            "send the same envelope again later: repeating it is always safe",
            "请稍后重发同一信封：重复提交始终安全",
        ),
    )
    .retry_after_s(1)
}

/// The node takes no transactions now.
pub fn not_ready(reasons: Vec<Text>) -> Problem {
    let mut problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "not_ready",
        Text::new("The node is not ready", "节点未就绪"),
        Text::new(
            "it is starting, behind its peers, or read-only",
            "节点正在启动、落后于其他节点或处于只读状态",
        ),
        Text::new(
            "try again later or use another node; the operator finds the cause in the node's log",
            "请稍后重试或使用其他节点；运维人员可在节点日志中查明原因",
        ),
    )
    .retry_after_s(5);
    problem.reasons = reasons;
    problem
}

/// An audit bundle that would exceed its bound.
pub fn bundle_too_large(why: String) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "bundle_too_large",
        Text::new("The audit bundle would be too large", "审计包过大"),
        Text::untranslated(why),
        Text::new(
            "ask for the bundle of a narrower subject, such as one authorization of the entry",
            "请改为导出范围更小的主体，例如该目录条目的某一项授权",
        ),
    )
}

/// A body that was moved out of this node's reach.
pub fn body_moved(height: Height, archive: Option<String>) -> Problem {
    let (detail, detail_zh) = match &archive {
        Some(file) => (
            format!("the transactions of block {height} are in the archive file {file}"),
            format!("区块 {height} 的交易正文在归档文件中：{file}"),
        ),
        None => (
            format!(
                "this node drops the transactions of old blocks, or began after them with a \
                 snapshot: it has none of block {height}"
            ),
            format!(
                "本节点不保留旧区块的交易正文，或以快照起步而从未取得：没有区块 {height} 的正文"
            ),
        ),
    };
    Problem::new(
        StatusCode::GONE,
        "body_moved",
        Text::new("The transactions are no longer on this node", "交易正文已不在本节点"),
        Text::with(detail, detail_zh),
        Text::new(
            "ask a node that keeps everything, or let the operator put the archive file back; headers, outcomes and proofs are still here",
            "请查询保留全部数据的节点，或请运维人员放回该归档文件；区块头、结果和证明仍在本节点",
        ),
    )
}

/// A state that was pruned.
pub fn state_pruned(height: Height, from: Height) -> Problem {
    Problem::new(
        StatusCode::GONE,
        "state_pruned",
        Text::new(
            "The state at this height is no longer on this node",
            "本节点已不保留该高度的状态",
        ),
        Text::with(
            format!("height {height} was asked for, states are kept from height {from} on"),
            format!("查询高度为 {height}，本节点保留高度 {from} 及以后的状态"),
        ),
        Text::new(
            "ask for a later height, begin the list again without a cursor, or ask a node that keeps more",
            "请查询更新的高度，或不带游标重新开始列表，或查询保留更多状态的节点",
        ),
    )
}

/// The disk or our own code failed; the cause is in the log, not in the answer.
pub fn internal() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_error",
        Text::new("The node failed to answer", "节点未能完成该请求"),
        Text::new("an internal error was written to the node's log", "内部错误已写入节点日志"),
        Text::new(
            "use another node and tell this node's operator the time of this request",
            "请使用其他节点，并将本次请求的时间告知本节点的运维人员",
        ),
    )
}
