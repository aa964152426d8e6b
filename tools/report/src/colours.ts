// Colours of both themes: those of activities keep apart for every kind of colour vision (Okabe and Ito 2008), darkened
// or lightened for contrast.
export const activities = [
  { key: 'compute_s', name: 'compute', light: '#0072b2', dark: '#4ea6e0' },
  { key: 'exposed_communication_s', name: 'exposed communication', light: '#d98200', dark: '#f0a52e' },
  { key: 'wait_s', name: 'wait', light: '#c04a8a', dark: '#e58fbd' },
  { key: 'queue_s', name: 'queue', light: '#00805d', dark: '#35bd93' },
  { key: 'down_s', name: 'down', light: '#59636e', dark: '#98a3af' },
] as const;

export interface Colours {
  dark: boolean;
  text: string;
  dim: string;
  line: string;
  back: string;
  series: string[];
  ramp: string[];
  activity: (key: string) => string;
}

export const colours = (dark: boolean): Colours => ({
  dark,
  text: dark ? '#e6ebf1' : '#1b2430',
  dim: dark ? '#a3afbd' : '#526070',
  line: dark ? '#34404e' : '#d5dce4',
  back: dark ? '#1a212b' : '#ffffff',
  series: dark
    ? ['#4ea6e0', '#f0a52e', '#35bd93', '#e58fbd', '#f0e442', '#ff8a5c', '#b79cff', '#98a3af']
    : ['#0072b2', '#d98200', '#00805d', '#c04a8a', '#8a7d00', '#c23c00', '#6b4fc0', '#59636e'],
  ramp: dark ? ['#1d2a3a', '#22598a', '#4ea6e0', '#d6ecff'] : ['#eef4fa', '#9cc7e8', '#2f83c0', '#06365e'],
  activity: (key) => {
    const found = activities.find((each) => each.key === key)!;
    return dark ? found.dark : found.light;
  },
});
