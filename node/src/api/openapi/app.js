// Shows /v1/openapi.json and lets a reader try the reads. Everything is set as text, never markup.
"use strict";

const BODY_SHOWN_MAX = 200000;

function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function operation(path, method, described) {
  const inputs = new Map();
  const form = make("form", {});
  for (const parameter of described.parameters) {
    const input = make("input", { name: parameter.name, autocomplete: "off", required: !!parameter.required });
    inputs.set(parameter, input);
    form.append(make("label", {},
      make("code", { textContent: parameter.name + (parameter.required ? " *" : "") }), input,
      make("small", { textContent: parameter.description || "" })));
  }
  const output = make("pre", { hidden: true });
  const reads = method === "get" && path !== "/v1/events";
  if (reads) {
    form.append(make("button", { textContent: "Try 试一试" }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      show(path, inputs, output);
    });
  } else {
    form.append(make("small", { textContent: method === "post"
      ? "Signed transactions are posted by a program, not by a page. 已签名交易由程序提交。"
      : "curl -N, or EventSource 用 curl -N 或 EventSource 订阅" }));
  }
  form.append(output);
  const summary = make("summary", {},
    make("span", { className: "method " + method, textContent: method.toUpperCase() }),
    make("code", { textContent: path }),
    make("span", { className: "what", textContent: described.summary }));
  return make("details", {}, summary, form);
}

async function show(path, inputs, output) {
  const query = new URLSearchParams();
  let target = path;
  for (const [parameter, input] of inputs) {
    if (!input.value) continue;
    if (parameter.in === "path") {
      const escaped = input.value.split("/").map(encodeURIComponent).join("/");
      target = target.replace("{" + parameter.name + "}", escaped);
    } else {
      query.set(parameter.name, input.value);
    }
  }
  const address = target + (query.size ? "?" + query : "");
  output.hidden = false;
  output.textContent = "GET " + address + "\n…";
  try {
    const answer = await fetch(address, { headers: { accept: "application/json" } });
    let body = await answer.text();
    if ((answer.headers.get("content-type") || "").includes("json")) {
      body = JSON.stringify(JSON.parse(body), null, 2);
    }
    output.textContent = "GET " + address + "\n" + answer.status + "\n\n" + body.slice(0, BODY_SHOWN_MAX);
  } catch (error) {
    output.textContent = "GET " + address + "\n" + error;
  }
}

async function start() {
  const described = await (await fetch("/v1/openapi.json")).json();
  document.getElementById("title").textContent = described.info.title + " " + described.info.version;
  document.getElementById("description").textContent = described.info.description;
  const paths = document.getElementById("paths");
  for (const [path, methods] of Object.entries(described.paths)) {
    for (const [method, details] of Object.entries(methods)) paths.append(operation(path, method, details));
  }
  document.getElementById("find").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const item of paths.children) item.hidden = !item.firstChild.textContent.toLowerCase().includes(wanted);
  });
}

start();
