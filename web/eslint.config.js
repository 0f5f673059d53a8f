// The lints: TypeScript's strict set with type information, the rules of hooks, and who may import whom.
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

/** `files` may import none of these folders and packages, but for what they load when it is needed. */
const mayNotImport = (files, { folders, packages = [] }, message) => {
  const group = [...folders.flatMap((folder) => [`**/${folder}`, `**/${folder}/**`]), ...packages];
  return { files, rules: { "no-restricted-imports": ["error", { patterns: [{ group, message }] }] } };
};

export default tseslint.config(
  { ignores: ["dist", "src/types/*.d.ts"] },
  { files: ["**/*.{ts,tsx,js,mjs}"], extends: [tseslint.configs.strict] },
  { files: ["scripts/**"], rules: { "@typescript-eslint/no-dynamic-delete": "off" } },
  { rules: { "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }] } },
  {
    files: ["src/**/*.{ts,tsx}"],
    plugins: { "react-hooks": reactHooks },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  mayNotImport(
    ["src/core/**"],
    { folders: ["app", "ui", "admin", "i18n"], packages: ["react", "react-*", "react/*", "@mantine/*"] },
    "The core decides and draws nothing: what it needs of the page comes in as an argument.",
  ),
  mayNotImport(
    ["src/{app,ui}/**"],
    { folders: ["admin"] },
    "The administrators' pages are loaded by who opens them: import() them.",
  ),
);
