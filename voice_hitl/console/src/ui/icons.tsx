/** The console's icons: strokes on a 24-unit grid, hidden from screen readers. */

import type { ReactNode } from 'react';

interface IconProps {
  readonly size?: number;
}

function icon(paths: ReactNode): (props: IconProps) => ReactNode {
  return function Icon({ size = 18 }: IconProps) {
    return (
      <svg
        aria-hidden="true"
        width={size}
        height={size}
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        strokeWidth={1.8}
        strokeLinecap="round"
        strokeLinejoin="round"
      >
        {paths}
      </svg>
    );
  };
}

const HANDSET =
  'M6.6 3.8h2.6l1.6 4.1-2 1.6a11.4 11.4 0 0 0 5.7 5.7l1.6-2 4.1 1.6v2.6a2.4 2.4 0 0 1-2.6 2.4A15.9 15.9 0 0 1 4.2 6.4a2.4 2.4 0 0 1 2.4-2.6z';

export const PhoneIcon = icon(<path d={HANDSET} />);
export const HangUpIcon = icon(
  <g transform="rotate(135 12 12)">
    <path d={HANDSET} />
  </g>,
);
export const MicrophoneIcon = icon(
  <>
    <rect x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
  </>,
);
export const MutedIcon = icon(
  <>
    <path d="M15 9.5V6a3 3 0 0 0-5.6-1.5M9 9v2a3 3 0 0 0 4.4 2.6" />
    <path d="M5.5 11.5a6.5 6.5 0 0 0 10 5.4M18.5 11.5a6.4 6.4 0 0 1-.4 2.2M12 18v3M4 4l16 16" />
  </>,
);
export const SpeakerIcon = icon(
  <path d="M4 9.5h3.5L12 5.5v13l-4.5-4H4zM15.5 9.2a4 4 0 0 1 0 5.6M18.3 6.5a8 8 0 0 1 0 11" />,
);
export const HeadsetIcon = icon(
  <path d="M4 15v-3a8 8 0 0 1 16 0v3M4 14h2.5v5.5H5.2A1.2 1.2 0 0 1 4 18.3zM20 14h-2.5v5.5h1.3a1.2 1.2 0 0 0 1.2-1.2z" />,
);
export const HandBackIcon = icon(<path d="M9 7l-5 5 5 5M4.5 12H15a5 5 0 0 1 5 5v1.5" />);
export const ShieldIcon = icon(
  <path d="M12 3.2l7 2.6v5.4c0 4.6-2.9 7.9-7 9.6-4.1-1.7-7-5-7-9.6V5.8z" />,
);
export const AlertIcon = icon(<path d="M12 4.2L21 19.6H3zM12 10v4.2M12 16.9v.1" />);
export const CheckIcon = icon(<path d="M5 12.5l4.6 4.6L19 7.5" />);
export const CrossIcon = icon(<path d="M6.5 6.5l11 11M17.5 6.5l-11 11" />);
export const HelpIcon = icon(
  <>
    <circle cx="12" cy="12" r="8.8" />
    <path d="M9.6 9.6a2.4 2.4 0 1 1 3.5 2.1c-.8.4-1.1.9-1.1 1.8M12 16.4v.1" />
  </>,
);
export const ChevronIcon = icon(<path d="M7 10l5 5 5-5" />);
export const DownIcon = icon(<path d="M12 5v14M6.5 13.5L12 19l5.5-5.5" />);
