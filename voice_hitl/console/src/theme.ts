/** Mantine's theme, with its own colours replaced by the tokens in `styles/tokens.css`. */

import {
  type CSSVariablesResolver,
  convertCssVariables,
  createTheme,
  DEFAULT_THEME,
  defaultCssVariablesResolver,
  type MantineColorsTuple,
  mergeMantineTheme,
} from '@mantine/core';

const ink: MantineColorsTuple = [
  '#f3f7ff',
  '#e3ebff',
  '#c7d6ff',
  '#a3bbff',
  '#829eff',
  '#627fef',
  '#4a63d0',
  '#3c52b7',
  '#30439a',
  '#243277',
];
const leaf: MantineColorsTuple = [
  '#f2f9f4',
  '#e1f0e5',
  '#c1e1cb',
  '#98cca9',
  '#6db888',
  '#429e68',
  '#1b7c49',
  '#0d7040',
  '#045d33',
  '#044726',
];
const brick: MantineColorsTuple = [
  '#fff3f2',
  '#ffe4e1',
  '#ffc8c3',
  '#faa39d',
  '#f27d77',
  '#dd5654',
  '#bd383a',
  '#a5282d',
  '#8b1e22',
  '#6b1619',
];
/** Mantine's dark greys, in the hue of the dark tokens. */
const dark: MantineColorsTuple = [
  '#e7eaf0',
  '#c9d0dc',
  '#9ba6b8',
  '#7d899b',
  '#3a4454',
  '#2a323e',
  '#1a1f28',
  '#14181f',
  '#10141a',
  '#0d1015',
];

export const theme = createTheme({
  colors: { ink, leaf, brick, dark },
  primaryColor: 'ink',
  primaryShade: 6,
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, monospace',
  defaultRadius: 'md',
  respectReducedMotion: true,
  cursorType: 'pointer',
  headings: { fontWeight: '600' },
});

const SHARED = {
  '--mantine-color-body': 'var(--panel)',
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-dimmed': 'var(--text-dim)',
  '--mantine-color-placeholder': 'var(--text-dim)',
  '--mantine-color-error': 'var(--bad)',
  '--mantine-color-default': 'var(--raised)',
  '--mantine-color-default-hover': 'var(--hover)',
  '--mantine-color-default-color': 'var(--text)',
  '--mantine-color-default-border': 'var(--line-strong)',
  '--mantine-color-disabled': 'var(--hover)',
  '--mantine-color-disabled-color': 'var(--text-dim)',
  '--mantine-color-disabled-border': 'var(--line)',
};

const resolver: CSSVariablesResolver = (merged) => {
  const { variables, light, dark } = defaultCssVariablesResolver(merged);
  return { variables, light: { ...light, ...SHARED }, dark: { ...dark, ...SHARED } };
};

/**
 * Put the theme's variables on the page as a constructed style sheet: Mantine's own way is an inline
 * `<style>`, which a strict content security policy forbids.
 */
export function adoptTheme(): void {
  const sheet = new CSSStyleSheet();
  const merged = mergeMantineTheme(DEFAULT_THEME, theme);
  sheet.replaceSync(convertCssVariables(resolver(merged), ':root'));
  document.adoptedStyleSheets.push(sheet);
}
