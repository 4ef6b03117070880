// Has the description of the API drawn. It is to be read here: whoever tries things out does so with a tenant of their own,
// not with whatever this server has.
"use strict";

// The style sheet of the script has its dark colours under this class.
const dark = matchMedia("(prefers-color-scheme: dark)");
const choose = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", choose);
choose();

SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#description",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  // Hundreds of operations are drawn at once; colours in each example would take longer than all else.
  syntaxHighlight: false,
  supportedSubmitMethods: [],
  // It would send the address of the description to a server of others.
  validatorUrl: null,
});
