// How orval makes its client: plain fetch, every call through `call` of orval-fetch.ts.
export default {
  wardline: {
    input: '../../schemas/openapi.json',
    output: {
      target: 'generated/orval.ts',
      client: 'fetch',
      mode: 'single',
      override: { mutator: { path: './orval-fetch.ts', name: 'call', extension: '.js' } },
    },
  },
};
