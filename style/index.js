import './base.css';
import './document.css';
import './picker.css';
import './panel.css';
