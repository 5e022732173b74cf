// Starts the page. The build replaces the words in double braces; this file's own bytes are vouched for by the
// import map in index.html, whose hash stands in the Content-Security-Policy. So a changed byte in any file
// named here is refused by the browser:
// - the page's glue and its snippets: the import map's integrity;
// - both wasm files: fetch with integrity (the worker's is fetched by the worker's script, which names the hash);
// - the worker's script: import maps do not reach into workers and `new Worker` takes no integrity. So it is one
//   single file, fetched with integrity and started from a blob of the bytes that were checked. The policy's
//   worker-src knows nothing but blobs, and the blob inherits this page's policy.

const page = { glue: "{{page glue}}", wasm: "{{page wasm}}", integrity: "{{page wasm integrity}}" };
const worker = { script: "{{worker script}}", integrity: "{{worker script integrity}}" };

// Before the first paint that could flash in the wrong colours. A browser may refuse the storage.
try {
  const theme = localStorage.getItem("sotto.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {}

// An invite's secret must not stay where a screenshot, the history or a synchronised tab shows it.
const fragment = location.hash.slice(1);
if (fragment) history.replaceState(history.state, "", location.pathname + location.search);

// What is shown when the page cannot start or has stopped; the program calls `fail` from its panic hook.
const byId = (id) => document.getElementById(id);
const fail = (report) => {
  byId("crash-report").textContent = report;
  byId("crashed").hidden = false;
  const shell = byId("shell");
  if (shell) shell.hidden = true;
};
byId("crash-reload").addEventListener("click", () => location.reload());
byId("crash-copy").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  const report = byId("crash-report");
  try {
    await navigator.clipboard.writeText(report.textContent);
    button.textContent = "{{text halt.report_copied}}";
  } catch {
    // The browser refuses, or the page has no clipboard because it is not secure.
    getSelection().selectAllChildren(report);
    button.textContent = "{{text crash.copy_selected}}";
  }
});

// The static markup of the views passes through `innerHTML`: known elements, and no attribute that runs or styles
// anything. Whatever else arrives is refused, and the refusal is reported in the console.
const ELEMENTS = "a|abbr|article|aside|audio|b|bdi|br|button|canvas|code|dd|details|dialog|div|dl|dt|em|fieldset|figcaption" +
  "|figure|footer|form|h1|h2|h3|h4|header|hr|i|img|input|kbd|label|legend|li|main|mark|menu|nav|ol|optgroup|option" +
  "|output|p|pre|progress|s|search|section|select|small|span|strong|sub|summary|sup|table|tbody|td|textarea|tfoot|th" +
  "|thead|time|tr|u|ul|video|wbr|svg|g|path|circle|ellipse|line|polyline|polygon|rect|defs|use|title|desc";
const ATTRIBUTE = "(?!on|style|srcdoc|formaction|action|xlink)[a-zA-Z][a-zA-Z0-9:_-]*";
const STATIC_MARKUP = new RegExp(
  `^(?:[^<]|<!(?:--[^<>-]*--)?>|</(?:${ELEMENTS})>|<(?:${ELEMENTS})(?:\\s+${ATTRIBUTE}(?:="[^"]*")?)*\\s*/?>)*$`,
);
const SCRIPT_ADDRESS = /=\s*"\s*(?:javascript|data|vbscript):/i;
const workers = new Set();

// Where there are no Trusted Types, the policy alone has to do.
globalThis.trustedTypes?.createPolicy("default", {
  createHTML: (markup) => (STATIC_MARKUP.test(markup) && !SCRIPT_ADDRESS.test(markup) ? markup : null),
  // leptos_i18n leaves an empty script element in the page; nothing but an empty one passes.
  createScript: (script) => (script === "" ? script : null),
  createScriptURL: (url) => (workers.has(url) ? url : null),
});

const checkedFetch = async (path, integrity) => {
  const response = await fetch(path, { integrity, credentials: "same-origin" });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
};

const makeWorkerUrl = async () => {
  const response = await checkedFetch(worker.script, worker.integrity);
  const url = URL.createObjectURL(new Blob([await response.arrayBuffer()], { type: "text/javascript" }));
  workers.add(url);
  return url;
};

const start = async () => {
  if (!("WebAssembly" in globalThis)) throw new Error("{{text crash.no_wasm}}");
  const wasm = checkedFetch(page.wasm, page.integrity);
  wasm.catch(() => {}); // awaited below; another part may fail first
  const [glue, workerUrl] = await Promise.all([import(page.glue), makeWorkerUrl()]);
  globalThis.__sotto = Object.freeze({ fragment, worker: workerUrl, fail, build: page.integrity });
  await glue.default({ module_or_path: wasm });
};

start().catch((error) => {
  console.error("Sotto could not start:", error);
  fail(["{{text crash.not_started}}", error, navigator.userAgent].join("\n"));
});
