// The end of the worker's script: the build puts the glue made by wasm-bindgen before it. `self.location` of a
// worker that was started from a blob still tells the page's origin.
wasm_bindgen({
  module_or_path: fetch(new URL("{{worker wasm}}", self.location.origin), {
    integrity: "{{worker wasm integrity}}",
    credentials: "same-origin",
  }),
}).catch(reportError); // reaches the page as the worker's `error` event
