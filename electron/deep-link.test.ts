import { describe, expect, it } from 'vitest';
import { destinationOf, linkAmong } from './deep-link.ts';

describe('deep links', () => {
  it('lead to the views there are', () => {
    expect(destinationOf('coffre://status')).toEqual({ view: 'status', page: null, issue: null });
    expect(destinationOf('coffre://history/')).toEqual({ view: 'history', page: null, issue: null });
    expect(destinationOf('coffre://settings/devices')).toEqual({
      view: 'settings',
      page: 'devices',
      issue: null,
    });
    expect(destinationOf('coffre://issue/12')).toEqual({ view: 'status', page: null, issue: 12 });
  });

  it.each([
    'coffre://',
    'coffre://welcome',
    'coffre://status/more',
    'coffre://settings/../x',
    'coffre://settings/Devices?x=1',
    'coffre://issue/-1',
    'coffre://issue/1e3',
    'coffre://issue/99999999999999999999',
    'coffre://issue',
    'coffre://user@status',
    'coffre:status',
    'javascript:alert(1)',
    `coffre://settings/${'a'.repeat(300)}`,
  ])('of another form lead nowhere: %s', (link) => {
    expect(destinationOf(link)).toBeNull();
  });

  it('are found among the arguments of a start', () => {
    expect(linkAmong(['/opt/coffre', '--hidden', 'coffre://history'])?.view).toBe('history');
    expect(linkAmong(['/opt/coffre', '--hidden'])).toBeNull();
  });
});
