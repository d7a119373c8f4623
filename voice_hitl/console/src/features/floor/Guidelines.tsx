/** The pack's guidelines.md as elements: parsed, never inserted as HTML. */

import { marked, type Token, type Tokens } from 'marked';
import { Fragment, type ReactNode, useMemo } from 'react';
import styles from './Guidelines.module.css';

export function Guidelines({ source }: { readonly source: string }) {
  const tokens = useMemo(() => marked.lexer(source), [source]);
  if (source.trim() === '') {
    return <p className={styles.none}>This pack has no guidelines.</p>;
  }
  return <div className={styles.text}>{render(tokens)}</div>;
}

function render(tokens: readonly Token[] | undefined): ReactNode {
  return (tokens ?? []).map((token, n) => <Fragment key={n}>{one(token)}</Fragment>);
}

/** One token as elements; what guidelines have no use for (images, HTML) shows as its own text. */
function one(token: Token): ReactNode {
  switch (token.type) {
    case 'space':
      return null;
    case 'heading':
      return (token as Tokens.Heading).depth < 3 ? (
        <h3>{render(token.tokens)}</h3>
      ) : (
        <h4>{render(token.tokens)}</h4>
      );
    case 'paragraph':
      return <p>{render(token.tokens)}</p>;
    case 'blockquote':
      return <blockquote>{render(token.tokens)}</blockquote>;
    case 'list':
      return list(token as Tokens.List);
    case 'table':
      return table(token as Tokens.Table);
    case 'hr':
      return <hr />;
    case 'code':
      return (
        <pre>
          <code>{(token as Tokens.Code).text}</code>
        </pre>
      );
    case 'strong':
      return <strong>{render(token.tokens)}</strong>;
    case 'em':
      return <em>{render(token.tokens)}</em>;
    case 'del':
      return <del>{render(token.tokens)}</del>;
    case 'codespan':
      return <code>{(token as Tokens.Codespan).text}</code>;
    case 'br':
      return <br />;
    case 'link':
      return link(token as Tokens.Link);
    case 'text': {
      const { text, tokens } = token as Tokens.Text;
      return tokens === undefined ? text : render(tokens);
    }
    case 'escape':
      return (token as Tokens.Escape).text;
    default:
      return token.raw;
  }
}

function list(token: Tokens.List): ReactNode {
  const items = token.items.map((item, n) => <li key={n}>{render(item.tokens)}</li>);
  return token.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
}

function table(token: Tokens.Table): ReactNode {
  return (
    <table>
      <thead>
        <tr>
          {token.header.map((cell, n) => (
            <th key={n}>{render(cell.tokens)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {token.rows.map((row, n) => (
          <tr key={n}>
            {row.map((cell, m) => (
              <td key={m}>{render(cell.tokens)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function link(token: Tokens.Link): ReactNode {
  if (!/^https?:\/\//.test(token.href)) {
    return render(token.tokens);
  }
  return (
    <a href={token.href} target="_blank" rel="noreferrer">
      {render(token.tokens)}
    </a>
  );
}
