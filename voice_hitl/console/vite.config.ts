import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// `npm run dev` proxies to a server on its default port, so that the page reloads while it is edited.
const server = 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  base: '/',
  build: {
    target: 'es2022',
    // No data: URIs: the content security policy allows this origin and nothing else.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 800,
    rolldownOptions: {
      output: {
        assetFileNames: ({ names }) =>
          names.includes('LICENSE') ? 'assets/inter-licence.txt' : 'assets/[name]-[hash][extname]',
      },
    },
  },
  server: {
    proxy: {
      '/api': server,
      '/ws': { target: server, ws: true },
    },
  },
});
