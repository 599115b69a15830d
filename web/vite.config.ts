import { fileURLToPath } from 'node:url'

import vue from '@vitejs/plugin-vue'
import ElementPlus from 'unplugin-element-plus/vite'
import { defineConfig } from 'vitest/config'

const HUB = process.env.HUB_DEV_URL ?? 'http://127.0.0.1:8000'

export default defineConfig({
  plugins: [vue(), ElementPlus({})],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: 'true', // Element Plus still has parts that need it
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
  },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // no data: URLs, so that the content security policy may forbid them
    chunkSizeWarningLimit: 700, // ECharts: its own chunk, fetched only by a page with a chart
    reportCompressedSize: true,
  },
  server: {
    host: '127.0.0.1',
    port: 5173,
    proxy: { '/api': HUB, '/wechat': HUB },
  },
  test: {
    environment: 'happy-dom',
    include: ['tests/**/*.test.ts'],
    env: { TZ: 'Asia/Shanghai' },
    server: { deps: { inline: ['element-plus'] } },
  },
})
