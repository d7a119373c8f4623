import { Button } from '@mantine/core';
import { Card } from './Card';

interface UnreachableProps {
  readonly problem: string;
  readonly onRetry: () => void;
}

export function Unreachable({ problem, onRetry }: UnreachableProps) {
  return (
    <Card title="No connection" intro={problem}>
      <Button onClick={onRetry}>Try again</Button>
    </Card>
  );
}
